"""Scripts and styles that lie in the package, as widgets bring them to their page."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

__all__ = ["joined"]


@cache
def joined(*names: str) -> str:
    """Join files of the package to one text, in this order.

    Args:
        names: their paths below `pyodide_rtc`. Scripts import nothing of each other: what one
            defines, those behind it use.
    """
    folder = files("pyodide_rtc")
    return "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names)
