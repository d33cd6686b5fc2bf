"""The connections of a room as a machine: peers by WebRTC, the tabs of this browser, their links.

Owns the links, and knows which peers are in doubt and which cannot be reached. Knows no document.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import assert_never

from pyodide_rtc.errors import (
    BrowserUnsupportedError,
    DecryptionError,
    IceFailedError,
    NegotiationError,
    PeerClosedError,
    PeerLimitError,
    RemoteProtocolError,
)
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.connections.capability import lacks_webrtc
from pyodide_rtc.protocol.connections.late_frames import LateFrames
from pyodide_rtc.protocol.connections.linked_peers import LinkedPeersNews, sayable
from pyodide_rtc.protocol.connections.mesh import Mesh
from pyodide_rtc.protocol.connections.news import LinkClosed, LinkReady, Outcome
from pyodide_rtc.protocol.connections.signs_of_life import SignsOfLife
from pyodide_rtc.protocol.connections.strangers import Strangers
from pyodide_rtc.protocol.connections.tabs import Tabs
from pyodide_rtc.protocol.connections.unreached import Unreached
from pyodide_rtc.protocol.connections.without_webrtc import WithoutWebRtc
from pyodide_rtc.protocol.deadlines import earliest, has_passed
from pyodide_rtc.protocol.effects import (
    CheckServers,
    CloseTransport,
    DropHeld,
    PeersChanged,
    Report,
    SearchChanged,
)
from pyodide_rtc.protocol.intake import MAX_WAITING_BYTES
from pyodide_rtc.protocol.link import Link, PeerLink, Quiet, TabsLink
from pyodide_rtc.snapshot import Obstacle
from pyodide_rtc.wire.messages import LinkedPeers, QueryAwareness, TabPeer, encode
from pyodide_rtc.wire.payload import Leave, Payload

_CALLS = (ev.PayloadReceived, ev.StrangerHeard, ev.ServerOpened)
"""Events that would make us publish something; they are ignored while the page is put away."""


KERNEL_BUSY = "its kernel is busy"
PAGE_ASLEEP = "its page is asleep"
ANSWERS_AGAIN = "it answers again"


@dataclass(slots=True)
class Connections:
    """Who is here, and the links to them.

    Args:
        mesh: the peers that are reached by WebRTC; none yet.
    """

    mesh: Mesh
    strangers: Strangers = field(default_factory=Strangers)
    unreached: Unreached = field(default_factory=Unreached)
    without_webrtc: WithoutWebRtc = field(default_factory=WithoutWebRtc)
    tabs: Tabs = field(init=False)
    late: LateFrames = field(init=False)
    is_away: bool = False
    """Whether the page is put away: then we send nothing, and only apply changes of documents."""
    own_tabs: TabsLink = field(init=False)
    """The way to the tabs of our own kind alone."""
    _peer_links: dict[ev.LinkId, PeerLink] = field(default_factory=dict)
    _searched: int = 0
    """How many peers were shown that are not linked, when that was told last."""
    _doubts: SignsOfLife = field(default_factory=SignsOfLife)
    _linked: LinkedPeersNews = field(default_factory=LinkedPeersNews)

    def __post_init__(self) -> None:
        mesh = self.mesh
        self.tabs = Tabs(mesh.peer_id, mesh.client_id, mesh.max_received_bytes)
        self.own_tabs = TabsLink(mesh.max_received_bytes, is_own_kind=True)
        self.late = LateFrames(mesh.max_received_bytes)

    @property
    def deadline_s(self) -> float | None:
        """When `on_time` should be called next; None if no deadline is set."""
        return earliest(self.mesh.deadline_s, self._doubts.deadline_s, self._linked.due_s)

    def obstacle(self, now_s: float) -> Obstacle | None:
        """Return what keeps us from somebody who is here; None if nothing does."""
        if self.mesh.is_blocked:
            return Obstacle.NO_WEBRTC_HERE
        if self.without_webrtc.are_here(now_s):
            return Obstacle.NO_WEBRTC_THERE
        retried = [peer.negotiation for peer in self.mesh if peer.is_shown]
        found = next((one.obstacle for one in retried if one.retries), None)
        is_missed = self.unreached.error(now_s) is not None
        return found or (self.mesh.last_obstacle if is_missed else None)

    @property
    def are_all_linked(self) -> bool:
        """Whether all peers of the mesh are linked."""
        return all(peer.is_joined for peer in self.mesh)

    def link(self, link: ev.LinkId) -> Link | None:
        """Return the link of this number, if frames can come in and go out by it now."""
        if self.is_away:
            return None
        return self.tabs.link if link == ev.TABS else self._peer_links.get(link)

    def handle(self, event: ev.ConnectionEvent, now_s: float) -> list[Outcome]:
        """Handle an event."""
        if self.is_away and isinstance(event, _CALLS):
            return []
        return self._note(self._dispatch(event, now_s), now_s)

    def on_time(self, now_s: float) -> list[Outcome]:
        """Act on all deadlines that have passed."""
        outcomes: list[Outcome] = []
        lost = self._doubts.expired(now_s)
        for conn in lost:
            outcomes += self.mesh.lose(conn, "it does not answer any more", PeerClosedError, now_s)
        if lost:
            outcomes.append(CheckServers())
        outcomes = self._note(outcomes + self.mesh.on_time(now_s), now_s)
        return outcomes + self._tell_linked(now_s)

    def on_alive(self, link: ev.LinkId) -> None:
        """A frame came by a link: its peer is alive."""
        self._doubts.end(link)

    def refuse(self, link: ev.LinkId, error: RemoteProtocolError, now_s: float) -> list[Outcome]:
        """Refuse a peer that broke the protocol; a fault of a tab is only reported."""
        return self._note(self._refuse(link, error), now_s)

    def lose(self, link: ev.LinkId, reason: str, now_s: float) -> list[Outcome]:
        """Lose the peer of a link, so that it syncs anew when it is back; tabs are kept."""
        return self._note(self.mesh.lose(link, reason, PeerClosedError, now_s), now_s)

    def leave(self, now_s: float) -> list[Outcome]:
        """Say that we leave, and close all connections."""
        outcomes = self.tabs.leave("we left") + self.mesh.leave("we left")
        return self._note(outcomes, now_s)

    def on_linked_peers(self, link: PeerLink, message: LinkedPeers) -> None:
        """Keep the list of peers that a peer is linked with, as it says."""
        link.linked_peers = frozenset(message.peer_ids)

    def on_tab_peer(self, message: TabPeer, now_s: float) -> list[Outcome]:
        """A peer of this browser says that it is here, or that it leaves."""
        peer_id = message.peer_id
        is_double = message.present and not self.tabs.knows(peer_id) and peer_id in self.mesh
        dropped = self.mesh.close(peer_id, "linked by the tab channel") if is_double else []
        return self._note([*dropped, *self.tabs.take(message)], now_s)

    def _dispatch(  # noqa: C901 - one case each
        self, event: ev.ConnectionEvent, now_s: float
    ) -> list[Outcome]:
        match event:
            case ev.PayloadReceived(url, payload):
                return self._on_payload(url, payload, now_s)
            case ev.PayloadRefused(error):
                return [Report(error)]
            case ev.StrangerHeard(reason):
                return self._on_stranger(reason, now_s)
            case ev.DescriptionMade() | ev.CandidateFound():
                return self.mesh.publish_signal(event, now_s)
            case ev.OfferPrepared(sdp):
                self.mesh.take_offer(sdp)
                return [] if sdp is None else self.mesh.unblock(now_s)
            case ev.ChannelOpened():
                return self.mesh.on_channel_opened(event)
            case ev.ChannelClosed(conn, _, reason):
                return self.mesh.on_channel_closed(conn, reason, now_s)
            case ev.PathRestored(conn):
                return self.mesh.on_path_restored(conn)
            case ev.TransportFailed(conn, reason, is_ice):
                if is_ice:
                    return self.mesh.lose_path(conn, reason, now_s)
                return self.mesh.lose(conn, reason, NegotiationError, now_s)
            case ev.WebRtcBlocked(reason):
                return self._on_blocked(reason, now_s)
            case ev.TransportUnsure(conn, is_sure):
                if not is_sure:
                    return self._doubt(conn, now_s)
                self._doubts.end(conn)
                return []
            case ev.PathFound():
                return self.mesh.on_path(event)
            case ev.PathMeasured():
                self.mesh.on_path_measured(event)
                return []
            case ev.PeerQuiet():
                return self._on_quiet(event, now_s)
            case ev.FramesGone(conn):
                link = self._peer_links.get(conn)
                return [] if link is None else [*link.on_gone(event, now_s)]
            case ev.Flooded(link_id, waiting_bytes):
                return self._on_flood(link_id, waiting_bytes)
            case ev.FramesEnded(conn):
                self.late.end(conn)
                return []
            case ev.PutAway():
                self.is_away = True
                reason = "the page is put away"
                return self.tabs.leave(reason) + self.mesh.put_away(reason, now_s)
            case ev.Woken():
                return self._wake(now_s)
            case ev.ServerOpened(url):
                return self.mesh.on_server_opened(url, now_s)
            case ev.TabOpened():
                outcomes = self.tabs.open()
                return [] if self.is_away else outcomes  # `Tabs.reopen` greets on waking
            case ev.TabPeerGone(peer_id):
                return self.tabs.take(TabPeer(peer_id, present=False))
            case _:
                assert_never(event)

    def _note(self, outcomes: list[Outcome], now_s: float) -> list[Outcome]:
        """Update what we know of links and peers by these outcomes, and add `LinkClosed`."""
        noted: list[Outcome] = []
        for outcome in outcomes:
            noted.append(outcome)
            match outcome:
                case LinkReady(PeerLink() as link):
                    self._peer_links[link.id] = link
                case CloseTransport(conn) if conn in self._peer_links:
                    self.late.keep(self._peer_links.pop(conn))
                    noted.append(LinkClosed(conn))
                case Report(IceFailedError() as error):
                    self.unreached.take(error, now_s)
                case PeersChanged(_, "joined"):
                    self.unreached = Unreached()
        searched = sum(peer.is_shown and not peer.is_joined for peer in self.mesh)
        if searched != self._searched:
            self._searched = searched
            noted.append(SearchChanged())
        if any(isinstance(o, PeersChanged | LinkReady) for o in outcomes):
            self._linked.look(self._own_kind, self._linked_peers, now_s)
        return noted

    @property
    def _linked_peers(self) -> frozenset[str]:
        by_webrtc = (link.peer_id for link in self._peer_links.values() if link.is_open)
        return sayable([*by_webrtc, *self.tabs.link.peers])

    @property
    def own_kind(self) -> list[PeerLink]:
        """The links to peers of our own kind, those included that look for a new network path."""
        return [link for link in self._peer_links.values() if link.is_own_kind]

    @property
    def _own_kind(self) -> list[PeerLink]:
        return [link for link in self.own_kind if link.is_open]

    def ways(self) -> dict[str, Link]:
        """Return how each peer of our own kind is reached now, by peer id."""
        tabs = self.tabs.link.peers
        found: dict[str, Link] = {i: self.own_tabs for i in tabs if tabs[i] is not None}
        return found | {link.peer_id: link for link in self._own_kind}

    def _tell_linked(self, now_s: float) -> list[Outcome]:
        """Tell our own kind whom we are linked with, if it is time."""
        if not has_passed(self._linked.due_s, now_s):
            return []
        peers = self._linked_peers
        frame = encode(LinkedPeers((*sorted(peers),)))
        told = self._linked.take(self._own_kind, peers)
        return [effect for link in told for effect in link.send(frame)]

    def _on_payload(self, url: str, payload: Payload, now_s: float) -> list[Outcome]:
        if self.tabs.knows(payload.sender):
            return []  # the tab channel links us already
        outcomes = self.mesh.on_payload(url, payload, now_s)
        if payload.sender == self.mesh.peer_id:
            return outcomes
        if not isinstance(payload, Leave) or not lacks_webrtc(payload.extra):
            self.without_webrtc.forget(payload.sender)
        elif self.without_webrtc.hear(payload.sender, now_s) and not self.mesh.is_blocked:
            error = NegotiationError(payload.sender, "its browser blocks WebRTC")
            outcomes.append(Report(error))
        return outcomes

    def _on_blocked(self, reason: str, now_s: float) -> list[Outcome]:
        if self.mesh.is_blocked:
            return []
        remedy = "Allow it in its settings or extensions, and reload the page."
        error = BrowserUnsupportedError(f"This browser blocks WebRTC ({reason})", "window", remedy)
        return [*self.mesh.block(now_s), Report(error)]

    def _on_stranger(self, reason: str, now_s: float) -> list[Outcome]:
        outcomes: list[Outcome] = []
        if self.strangers.is_news(now_s):
            outcomes.append(Report(DecryptionError(reason)))
        if self.strangers.may_show_ourselves(now_s):
            # So they notice, too, that somebody is here whom they do not understand.
            outcomes += self.mesh.announce(now_s) + self.tabs.show()
        return outcomes

    def _doubt(self, conn: int | None, now_s: float) -> list[Outcome]:
        link = None if conn is None else self._peer_links.get(conn)
        if link is None or not link.is_open or not self._doubts.begin(link.id, now_s):
            return []
        return [*link.send(encode(QueryAwareness()))]

    def _on_quiet(self, event: ev.PeerQuiet, now_s: float) -> list[Outcome]:
        """Keep since when a peer's kernel does not answer its page, and tell it."""
        link = self._peer_links.get(event.conn)
        if link is None or not (event.quiet_s or link.quiet):
            return []
        if event.quiet_s:
            link.quiet = Quiet(now_s - event.quiet_s, event.is_asleep)
            reason = PAGE_ASLEEP if event.is_asleep else KERNEL_BUSY
        else:
            link.quiet, reason = None, ANSWERS_AGAIN
        return [PeersChanged(link.peer_id, "changed", reason, link.client_id)]

    def _refuse(self, link: ev.LinkId, error: RemoteProtocolError) -> list[Outcome]:
        peer = self.mesh.peer_of(link)
        if peer is None:
            return [Report(error)]
        error.peer_id = peer.peer_id
        return [DropHeld(link), *self.mesh.refuse(peer.peer_id, error.hint), Report(error)]

    def _on_flood(self, link: ev.LinkId, waiting_bytes: int) -> list[Outcome]:
        what = "bytes sent faster than they can be taken"
        flood = self._refuse(link, PeerLimitError(what, waiting_bytes, MAX_WAITING_BYTES))
        if link != ev.TABS:
            return flood
        # The greeting asks the tabs for what was dropped.
        return [DropHeld(link), *flood, LinkReady(self.tabs.link)]

    def _wake(self, now_s: float) -> list[Outcome]:
        outcomes: list[Outcome] = []
        if self.is_away:
            self.is_away = False
            self.mesh.come_back(now_s)
            outcomes += self.tabs.reopen()
        for link in list(self._peer_links.values()):
            if link.quiet is None:  # else it cannot answer, and its page tells if it is gone
                outcomes += self._doubt(link.id, now_s)
        return outcomes + self.mesh.announce_again(now_s)
