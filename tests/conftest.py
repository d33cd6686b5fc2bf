"""Marks the tests on which the coverage gate is measured: no random example may make it pass."""

from __future__ import annotations

from pathlib import Path

import pytest

MEASURED = {Path(__file__).parent / folder for folder in ("wire", "protocol")}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        is_random = (
            hasattr(getattr(item, "function", None), "hypothesis") or "fuzz" in item.path.name
        )
        if item.path.parent in MEASURED and not is_random:
            item.add_marker("coverage")
