"""A room needs no ipywidgets; to share a widget does."""

from __future__ import annotations

import sys

import pytest

from pyodide_rtc import ConfigError
from widgets.people import Company, in_company


@in_company
async def test_without_ipywidgets_a_room_works_and_share_says_what_is_missing(
    company: Company,
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name in [n for n in sys.modules if n.startswith(("ipywidgets", "pyodide_rtc.widgets"))]:
            patch.delitem(sys.modules, name)
        patch.setitem(sys.modules, "ipywidgets", None)
        ada, _bob = await company.pair()
        ada.room.map("state")["n"] = 3
        with pytest.raises(ConfigError, match=r"need ipywidgets.*%pip install ipywidgets"):
            ada.room.share(object(), "n")
        ada.room.leave()
