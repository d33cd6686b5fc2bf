"""When we send our own kind the list of peers that we are linked with (`LinkedPeers`).

By these lists peers know to whom a change need not be passed on: in a full mesh an edit is one
message to each peer. A peer that is not linked with the source of a change gets it from all who are
linked with both.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from pyodide_rtc.protocol.link import PeerLink
from pyodide_rtc.wire.messages import MAX_LINKED_PEERS, MAX_PEER_ID_BYTES

TELL_DELAY_S = 1.0
"""Peers come in bursts: the list is sent at most once in this time after one came. Until then more
is passed on than needed. When one has gone, the list is sent at once: from then on others have to
pass its changes on to us."""


@dataclass(slots=True)
class LinkedPeersNews:
    """When our list of linked peers is to be sent next."""

    due_s: float | None = None

    def look(self, links: Collection[PeerLink], now: frozenset[str], now_s: float) -> None:
        """Somebody may have come or gone: decide when to send the list.

        Args:
            links: the links to our own kind.
            now: whom we are linked with now.
            now_s: the time.
        """
        stale = _stale(links, now)
        if any(link.told_peers - now for link in stale):
            self.due_s = now_s
        elif not stale:
            self.due_s = None
        elif self.due_s is None:
            self.due_s = now_s + TELL_DELAY_S

    def take(self, links: Collection[PeerLink], now: frozenset[str]) -> list[PeerLink]:
        """Return the links by which the list is to be sent now that it is due, and note that."""
        self.due_s = None
        stale = _stale(links, now)
        for link in stale:
            link.told_peers = now
        return stale


def sayable(peer_ids: Collection[str]) -> frozenset[str]:
    """Return the peers that can be listed: up to the limit, and only those with short ids.

    A peer chooses its own id. Others pass on to us the changes of a peer that is not listed.
    """
    short = [peer_id for peer_id in peer_ids if len(peer_id.encode()) <= MAX_PEER_ID_BYTES]
    return frozenset(short[:MAX_LINKED_PEERS])


def _stale(links: Collection[PeerLink], now: frozenset[str]) -> list[PeerLink]:
    """Return the links whose peers have another list than they should have."""
    return [link for link in links if link.told_peers != _news_for(link, now)]


def _news_for(link: PeerLink, now: frozenset[str]) -> frozenset[str]:
    """Return the list for one peer: none as long as that peer is alone with us."""
    is_alone = now <= {link.peer_id}
    return frozenset() if is_alone and not link.told_peers else now
