"""What connections tell the room about their links, in addition to their effects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from pyodide_rtc.protocol.effects import ConnectionEffect
from pyodide_rtc.protocol.events import LinkId
from pyodide_rtc.protocol.link import Link


@dataclass(frozen=True, slots=True)
class LinkReady:
    """A link is new, or frames of it may be lost: each document is to greet the other end.

    Args:
        link: the link.
        is_back: whether the link was interrupted for a while.
    """

    link: Link
    is_back: bool = False


@dataclass(frozen=True, slots=True)
class LinkClosed:
    """A link is closed."""

    link: LinkId


Outcome: TypeAlias = ConnectionEffect | LinkReady | LinkClosed
"""What connections return for an event, in order."""
