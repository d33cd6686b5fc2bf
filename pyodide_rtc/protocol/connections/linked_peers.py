"""Whom we are linked with, as we tell it to our own kind: so nobody passes on what all hear anyway.

In a full mesh an edit is then one message to each peer. Whoever is not linked with the source of a
change gets it passed on, by everybody who is between the two.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pyodide_rtc.protocol.link import PeerLink
from pyodide_rtc.wire.messages import MAX_LINKED_PEERS, MAX_PEER_ID_BYTES

TELL_DELAY_S = 1.0
"""Peers come in bursts: they are told of once in so long. Until then more is passed on than needed.
That one is gone is told at once: who is not linked with it any more is to get what others hear."""


@dataclass(slots=True)
class LinkedPeersNews:
    """When our own kind is to be told whom we are linked with."""

    due_s: float | None = None

    def look(self, links: Collection[PeerLink], now: frozenset[str], now_s: float) -> None:
        """Take that somebody may have come or gone.

        Args:
            links: those by which our own kind is told.
            now: whom we are linked with now.
            now_s: the time.
        """
        stale = [link for link in links if link.told_peers != _news_for(link, now)]
        if any(link.told_peers - now for link in stale):
            self.due_s = now_s
        elif not stale:
            self.due_s = None
        elif self.due_s is None:
            self.due_s = now_s + TELL_DELAY_S

    def take(
        self, links: Collection[PeerLink], now: frozenset[str], now_s: float
    ) -> list[PeerLink]:
        """Give the links by which it is to be told now, and take that it is."""
        if self.due_s is None or now_s < self.due_s:
            return []
        self.due_s = None
        stale = [link for link in links if link.told_peers != _news_for(link, now)]
        for link in stale:
            link.told_peers = now
        return stale


def sayable(peer_ids: Collection[str]) -> frozenset[str]:
    """Give the peers that can be named: a peer chooses its id, and may choose one that is too long.

    Of one that is not named others pass on what it says.
    """
    short = [peer_id for peer_id in peer_ids if len(peer_id.encode()) <= MAX_PEER_ID_BYTES]
    return frozenset(short[:MAX_LINKED_PEERS])


def _news_for(link: PeerLink, now: frozenset[str]) -> frozenset[str]:
    """Give what a peer is to know: nothing, if only it is here, for there is nobody to pass on."""
    is_alone = now <= {link.peer_id}
    return frozenset() if is_alone and not link.told_peers else now
