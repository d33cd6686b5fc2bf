"""Marks the tests on which the coverage gate is measured: no random example may make it pass.

And a test has failed in which something failed in the background that it did not expect.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from simulation.background_faults import collected

collect_ignore = ["outsider"]  # a project of somebody else, with an environment of its own
MEASURED = {Path(__file__).parent / folder for folder in ("wire", "protocol")}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        is_random = (
            hasattr(getattr(item, "function", None), "hypothesis") or "fuzz" in item.path.name
        )
        if item.path.parent in MEASURED and not is_random:
            item.add_marker("coverage")


@pytest.fixture(autouse=True)
def background_faults() -> Iterator[list[BaseException]]:
    """What failed in the background; a test that expects it takes it out."""
    with collected() as faults:
        yield faults
    assert faults == []
