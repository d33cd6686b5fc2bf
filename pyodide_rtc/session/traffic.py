"""How much a room has sent to its peers and received from them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Traffic"]


@dataclass(slots=True)
class Traffic:
    """The messages of data channels and of the tab channel since the room was opened.

    It counts what the room itself sends and receives, without what browser and network add to that.
    What goes to all tabs of this browser counts once.

    Args:
        sent_bytes: how many bytes the browser has accepted.
        sent_messages: in how many messages.
        received_bytes: how many bytes have come.
        received_messages: in how many messages.
    """

    sent_bytes: int = 0
    sent_messages: int = 0
    received_bytes: int = 0
    received_messages: int = 0
