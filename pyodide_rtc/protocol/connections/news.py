"""What connections tell the room of their links, beside their effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from pyodide_rtc.protocol.effects import ConnectionEffect
from pyodide_rtc.protocol.events import LinkId
from pyodide_rtc.protocol.link import Link


@dataclass(frozen=True, slots=True)
class LinkReady:
    """Each document greets the other end: the link is new, or what went by it may be lost.

    Args:
        link: which one.
        is_back: whether it was cut off for a while.
    """

    link: Link
    is_back: bool = False


@dataclass(frozen=True, slots=True)
class LinkClosed:
    """A link is no more."""

    link: LinkId


Outcome: TypeAlias = ConnectionEffect | LinkReady | LinkClosed
"""What connections answer to an event, in order."""
