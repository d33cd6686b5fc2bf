"""The room as a machine: it routes between the connections, the documents, calls and batons.

It is the only machine that knows all of them. It routes by link and by the document's name, and
decides nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from pyodide_rtc.errors import LocalProtocolError, RemoteProtocolError
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.baton_machine import BatonMachine
from pyodide_rtc.protocol.call_machine import CallMachine
from pyodide_rtc.protocol.connections.connection_machine import (
    ANSWERS_AGAIN,
    KERNEL_BUSY,
    Connections,
)
from pyodide_rtc.protocol.connections.mesh import Mesh
from pyodide_rtc.protocol.connections.mesh_peer import MeshPeer
from pyodide_rtc.protocol.connections.news import LinkClosed, LinkReady, Outcome
from pyodide_rtc.protocol.deadlines import earliest
from pyodide_rtc.protocol.document.document_machine import DocumentMachine
from pyodide_rtc.protocol.document.replica import Replica
from pyodide_rtc.protocol.effects import Effect, PeersChanged, Report
from pyodide_rtc.protocol.fault_limits import FaultLimits
from pyodide_rtc.protocol.link import Link, PeerLink, TabsLink
from pyodide_rtc.protocol.open_documents import OpenDocuments
from pyodide_rtc.protocol.quiet_tabs import QuietTabs
from pyodide_rtc.snapshot import Peer
from pyodide_rtc.wire.call_messages import Batons, CallMessage
from pyodide_rtc.wire.messages import InDocument, LinkedPeers, Message, TabPeer


@dataclass(slots=True)
class RoomMachine:
    """Everything that a room decides.

    Args:
        mesh: the peers that are reached by WebRTC; none yet.
    """

    mesh: Mesh
    connections: Connections = field(init=False)
    main: DocumentMachine = field(init=False)
    documents: OpenDocuments = field(init=False)
    calls: CallMachine = field(init=False)
    batons: BatonMachine = field(init=False)
    quiet_tabs: QuietTabs = field(default_factory=QuietTabs)
    _fault_limits: FaultLimits = field(default_factory=FaultLimits)
    _is_left: bool = False

    def __post_init__(self) -> None:
        mesh = self.mesh
        self.connections = Connections(mesh)
        self.main = DocumentMachine(ev.MAIN, mesh.client_id, mesh.max_received_bytes)
        self.documents = OpenDocuments(mesh.peer_id, mesh.max_received_bytes)
        self.calls = CallMachine(mesh.peer_id, self.connections.ways)
        self.batons = BatonMachine(mesh.peer_id, self.connections.ways, self._is_quiet)
        self.main.know_link(self.connections.tabs.link)  # frames may come before it is open

    @property
    def deadline_s(self) -> float | None:
        """When to feed `TimePassed` next; None if no deadline is set."""
        if self._is_left or self.connections.is_away:
            return None
        quiet_s = self.quiet_tabs.deadline_s(self._tabs_heard_s)
        others = (self.batons.deadline_s, *(m.deadline_s for m in self._all))
        return earliest(self.connections.deadline_s, quiet_s, *others)

    def peers(self, now_s: float) -> tuple[Peer, ...]:
        """Return all peers, those on their way included."""
        by_webrtc = [self._show_peer(peer, now_s) for peer in self.mesh if peer.is_shown]
        by_tab = [
            self._show_tab_peer(*one, now_s) for one in self.connections.tabs.link.peers.items()
        ]
        return (*by_webrtc, *by_tab)

    def handle(self, event: ev.Event, now_s: float) -> list[Effect]:
        """Handle an event.

        Args:
            event: what happened.
            now_s: the time, by any clock that never goes back.

        Returns:
            the effects to perform, in order.
        """
        if self._is_left:
            return []
        return self._fault_limits.sift(self._dispatch(event, now_s), now_s)

    def _dispatch(  # noqa: C901 - one case each
        self, event: ev.Event, now_s: float
    ) -> list[Effect]:
        match event:
            case ev.FrameReceived(link, data):
                return self._on_frames(link, (data,), now_s)
            case ev.FramesReceived(link, frames):
                if self.connections.link(link) is None:
                    return self._on_late_frames(event, now_s)
                return self._on_frames(link, frames, now_s)
            case ev.FramesGone(conn):
                effects = self._route(self.connections.handle(event, now_s), now_s)
                return effects + [e for machine in self._all for e in machine.on_room(conn)]
            case ev.PeerQuiet(conn):
                effects = self._route(self.connections.handle(event, now_s), now_s)
                return effects + [e for machine in self._all for e in machine.on_quiet(conn)]
            case ev.TimePassed():
                return self._on_time(now_s)
            case ev.FlushAsked():
                return [e for machine in self._all for e in machine.flush()]
            case ev.LeaveAsked():
                self._is_left = True
                goodbye = [e for machine in self._all for e in machine.leave(now_s)]
                return [*goodbye, *self._route(self.connections.leave(now_s), now_s)]
            case ev.DocumentOpened(name, client_id):
                return [*self.documents.open(name, client_id, self.connections.own_kind)]
            case ev.DocumentClosed(name):
                return [*self.documents.close(name, self.connections.own_kind, now_s)]
            case ev.UpdateRefused(_, link, reason):
                return self._refuse(link, RemoteProtocolError(reason), now_s)
            case ev.UpdateBlocked(_, link, waiting_bytes):
                return self._block(link, waiting_bytes, now_s)
        if isinstance(event, ev.DocumentEvent):
            return self._on_document(event, now_s)
        if isinstance(event, ev.CallEvent):
            return [*self.calls.handle(event)]
        if isinstance(event, ev.BatonEvent):
            return [*self.batons.handle(event, now_s)]
        return self._route(self.connections.handle(event, now_s), now_s)

    # Documents.

    @property
    def _all(self) -> list[DocumentMachine]:
        """The documents that are open here."""
        return [self.main, *self.documents]

    def _on_document(self, event: ev.DocumentEvent, now_s: float) -> list[Effect]:
        if self.connections.is_away and isinstance(event, ev.StateVectorRead):
            return []  # the page is put away: nobody is greeted
        is_complete = self.connections.are_all_linked
        machine = next((m for m in self._all if m.name == event.document), None)
        if machine is None:  # it was closed meanwhile
            return []
        try:
            return [*machine.handle(event, now_s, is_complete=is_complete)]
        except RemoteProtocolError as error:
            assert isinstance(event, ev.Compared), "what else a peer tells is read before"
            return self._refuse(event.link, error, now_s)

    def _block(self, link: ev.LinkId, waiting_bytes: int, now_s: float) -> list[Effect]:
        """Lose the peer whose update was dropped: when it is linked again, it syncs anew.

        The link to tabs stays: after the next change we ask them for what we lack, as always.
        """
        state = f"a transaction stays open, for which {waiting_bytes} bytes wait"
        report = Report(LocalProtocolError(state, "taking the changes of others"))
        lost = self.connections.lose(link, "too much waits here", now_s)
        return [report, *self._route(lost, now_s)]

    def _on_time(self, now_s: float) -> list[Effect]:
        if self.connections.is_away:
            return []
        effects: list[Effect] = [e for machine in self._all for e in machine.on_time(now_s)]
        effects += self.batons.on_time(now_s)
        effects += self._route(self.connections.on_time(now_s), now_s)
        return effects + self._look_at_tabs(now_s)

    # Tabs that do not answer.

    @property
    def _tabs_heard_s(self) -> dict[str, float]:
        """When each tab that shows its presence renewed it last, by peer id."""
        awareness, peers = self.main.presence.awareness, self.connections.tabs.link.peers
        found = {i: awareness.heard_s(client) for i, client in peers.items() if client is not None}
        return {peer_id: heard_s for peer_id, heard_s in found.items() if heard_s is not None}

    def _look_at_tabs(self, now_s: float) -> list[Effect]:
        """Tell which tabs do not answer any more, and which do again."""
        changed = self.quiet_tabs.look(self._tabs_heard_s, now_s)
        peers, quiet = self.connections.tabs.link.peers, self.quiet_tabs.quiet
        return [
            PeersChanged(i, "changed", KERNEL_BUSY if i in quiet else ANSWERS_AGAIN, peers[i])
            for i in changed
        ]

    def _is_waited_for(self, machine: DocumentMachine, replica: Replica, peer_id: str) -> bool:
        """Whether a peer does not answer, and lacks something of a document, as far as we know."""
        if replica.link.id != ev.TABS:
            return replica.is_waited_for
        heard_s = self.quiet_tabs.quiet.get(peer_id)
        return heard_s is not None and machine.changed_s >= heard_s

    # Connections.

    def _route(self, outcomes: Iterable[Outcome], now_s: float) -> list[Effect]:
        """Tell the documents of links and peers that come and go; return all effects."""
        effects: list[Effect] = []
        for outcome in outcomes:
            match outcome:
                case LinkReady(link, is_back):
                    effects += self._say_to(link)
                    effects += self.main.open_link(link, is_back=is_back)
                    effects += self.documents.open_link(link, is_back=is_back)
                case LinkClosed(link_id):
                    self.main.close_link(link_id)
                    effects += self.documents.close_link(link_id)
                case PeersChanged(peer_id, "joined", client_id=client_id):
                    by_tabs = self.connections.tabs.knows(peer_id)
                    joined = self.main.join_peer(peer_id, client_id, by_tabs=by_tabs)
                    effects += [outcome, *joined]
                    if by_tabs:
                        effects += self.documents.say_to_tabs()
                        effects += self._say_to(self.connections.tabs.link)
                case PeersChanged(peer_id, "left", client_id=client_id):
                    effects += [outcome, *self.main.leave_peer(peer_id, client_id)]
                    effects += self.documents.leave_peer(peer_id)
                    effects += self.calls.leave_peer(peer_id)
                    effects += self.batons.leave_peer(peer_id, now_s)
                case _:
                    effects.append(outcome)
        return effects

    def _refuse(self, link: ev.LinkId, error: RemoteProtocolError, now_s: float) -> list[Effect]:
        return self._route(self.connections.refuse(link, error, now_s), now_s)

    # Frames.

    def _on_frames(
        self, link_id: ev.LinkId, frames: tuple[bytes, ...], now_s: float
    ) -> list[Effect]:
        """Handle frames that came by one link; awareness of all of them is passed on together."""
        effects: list[Effect] = []
        for frame in frames:
            link = self.connections.link(link_id)
            if link is None:  # unknown, or closed because of an earlier frame
                break
            self.connections.on_alive(link_id)
            try:
                effects += self._on_frame(link, frame, now_s)
            except RemoteProtocolError as error:
                effects += self._refuse(link_id, error, now_s)
        effects += [e for m in self._all for e in m.settle(link_id, now_s)]
        return effects + (self._look_at_tabs(now_s) if link_id == ev.TABS else [])

    def _on_frame(self, link: Link, frame: bytes, now_s: float) -> list[Effect]:
        message, progress = link.read(frame, now_s)
        if message is None:
            return [*progress]
        return [*progress, *self._on_message(link, message, now_s)]

    def _on_message(self, link: Link, message: Message, now_s: float) -> list[Effect]:
        if isinstance(message, TabPeer) and link.id == ev.TABS:
            return self._route(self.connections.on_tab_peer(message, now_s), now_s)
        if isinstance(message, LinkedPeers) and isinstance(link, PeerLink) and link.is_own_kind:
            self.connections.on_linked_peers(link, message)
            return []
        if isinstance(message, InDocument) and self._is_of_own_kind(link):
            return [*self.documents.hear(link, message, now_s)]
        if isinstance(message, CallMessage) and self._is_of_own_kind(link):
            return self._on_call_message(link, message, now_s)
        return [*self.main.hear(link.id, message, now_s)]

    def _is_of_own_kind(self, link: Link) -> bool:
        """Whether what came is of our own kind; tabs of our own kind have sent such a frame."""
        return link.is_own_kind or link.id == ev.TABS

    # Calls and batons.

    def _on_call_message(self, link: Link, message: CallMessage, now_s: float) -> list[Effect]:
        sender = message.sender if isinstance(link, TabsLink) else link.peer_id
        if isinstance(message, Batons):
            return [*self.batons.hear(sender, message, now_s)]
        return [*self.calls.hear(link, sender, message)]

    def _say_to(self, link: Link) -> list[Effect]:
        """Tell the other end of a link what is exposed here, and of our batons."""
        if isinstance(link, TabsLink):
            link = self.connections.own_tabs
        elif not link.is_own_kind:
            return []
        return [*self.calls.open_link(link), *self.batons.open_link(link)]

    def _is_quiet(self, peer_id: str) -> bool:
        """Whether the kernel of a peer does not answer."""
        way = self.connections.ways().get(peer_id)
        return peer_id in self.quiet_tabs.quiet or (way is not None and way.quiet is not None)

    def _on_late_frames(self, event: ev.FramesReceived, now_s: float) -> list[Effect]:
        messages, faults = self.connections.late.read(event, now_s)
        effects: list[Effect] = [*faults]
        for message in messages:
            if isinstance(message, InDocument):
                effects += self.documents.hear_late(event.link, message)
            else:
                effects += self.main.hear_late(event.link, message)
        return effects

    # What users see.

    def peers_in(self, name: str, now_s: float) -> tuple[Peer, ...]:
        """Return those who have a document open that is open here, with how far they are in it."""
        document = self.documents.here[name]
        machine = document.machine
        shown: list[Peer] = []
        for peer in self.peers(now_s):
            client_id = document.peers.get(peer.peer_id)
            if client_id is not None and (replica := machine.replica_of(peer.peer_id)) is not None:
                is_waited_for = self._is_waited_for(machine, replica, peer.peer_id)
                is_synced = machine.is_synced(replica, peer.peer_id, client_id)
                shown.append(
                    replace(
                        peer,
                        is_synced=is_synced and not is_waited_for,
                        ahead=replica.ahead,
                        behind=replica.behind,
                        edits_wait=is_waited_for,
                    )
                )
        return tuple(shown)

    @property
    def names(self) -> dict[str, str]:
        """The names that peers show, by peer id; without those who show none."""
        clients = {peer.peer_id: peer.client_id for peer in self.mesh}
        clients |= self.connections.tabs.link.peers
        shown = {i: self.main.presence.name_of(i, client) for i, client in clients.items()}
        return {peer_id: name for peer_id, name in shown.items() if name}

    def author(self, link: ev.LinkId) -> str:
        """Name who has sent what came by a link: the peer at its other end, or another tab."""
        if link != ev.TABS:
            peer = self.mesh.peer_of(link)
            return (
                "a peer that left" if peer is None else self._name_of(peer.peer_id, peer.client_id)
            )
        tabs = [*self.connections.tabs.link.peers.items()]
        return self._name_of(*tabs[0]) if len(tabs) == 1 else "another tab"

    def _name_of(self, peer_id: str, client_id: int | None) -> str:
        return self.main.presence.name_of(peer_id, client_id) or f"peer {peer_id[:8]}"

    def _show_peer(self, peer: MeshPeer, now_s: float) -> Peer:
        main, link = self.main, peer.link
        replica = None if link is None else main.replicas.get(link.id)
        quiet = None if link is None else link.quiet
        is_joined = peer.is_joined
        return Peer(
            peer.peer_id,
            main.presence.name_of(peer.peer_id, peer.client_id),
            "webrtc",
            is_connected=is_joined,
            is_synced=is_joined and main.is_synced(replica, peer.peer_id, peer.client_id),
            ahead=None if replica is None else replica.ahead,
            behind=None if replica is None else replica.behind,
            is_relayed=peer.is_relayed,
            round_trip_ms=None if peer.round_trip_s is None else peer.round_trip_s * 1000,
            transfers=() if link is None else link.transfers,
            unknown_messages=0 if link is None else link.unknown_messages,
            retries=peer.negotiation.retries,
            busy_s=None if quiet is None else now_s - quiet.since_s,
            is_asleep=quiet is not None and quiet.is_asleep,
            edits_wait=replica is not None and replica.is_waited_for,
            client_id=peer.client_id,
        )

    def _show_tab_peer(self, peer_id: str, client_id: int | None, now_s: float) -> Peer:
        main, tabs = self.main, self.connections.tabs.link
        replica = main.replicas[ev.TABS]
        is_waited_for = self._is_waited_for(main, replica, peer_id)
        is_synced = main.is_synced(replica, peer_id, client_id)
        return Peer(
            peer_id,
            main.presence.name_of(peer_id, client_id),
            "tab",
            is_connected=True,
            is_synced=is_synced and not is_waited_for,
            unknown_messages=tabs.unknown_messages,
            busy_s=self.quiet_tabs.busy_s(peer_id, now_s),
            edits_wait=is_waited_for,
            client_id=client_id,
        )
