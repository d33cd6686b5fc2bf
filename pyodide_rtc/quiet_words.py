"""Peers that do not answer, in words: busy or asleep, and what waits for them.

It knows what it describes by its attributes only, as `room_repr` does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyodide_rtc.snapshot import Peer

_MINUTE_S = 60
_LONG_S = 100
"""From here on minutes say enough."""


def state_words(peer: Peer) -> str:
    """Say for how long a peer has not answered; nothing if it does."""
    if peer.busy_s is None:
        return ""
    state = "asleep" if peer.is_asleep else "busy"
    seconds = round(peer.busy_s)
    span = f"{seconds} s" if seconds < _LONG_S else f"{round(seconds / _MINUTE_S)} min"
    return f"{state} for {span}"


def company_words(
    connected: Sequence[Peer], name: Callable[[Peer], str], listed: Callable[[list[str]], str]
) -> str:
    """Say who of the connected peers does not answer, and for whom edits wait.

    Args:
        connected: the connected peers.
        name: says who a peer is.
        listed: joins several texts.

    Returns:
        what to add to a sentence about them, before its full stop; nothing if all is well.
    """

    def told(peer: Peer) -> str:
        state = state_words(peer)
        return f"{name(peer)} ({state})" if state else name(peer)

    awaited = [told(peer) for peer in connected if peer.edits_wait]
    if awaited:
        return f": edits wait for {listed(awaited)}"
    quiet = [f"{name(peer)}: {words}" for peer in connected if (words := state_words(peer))]
    return f" ({listed(quiet)})" if quiet else ""
