"""The room as a machine: peers, frames, presence and the tab channel put together.

Owns what each link is told. It knows neither the document (it asks for state vectors and
differences by effects) nor how anything is sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import assert_never

from pyodide_rtc.errors import (
    DecryptionError,
    IceFailedError,
    InternalError,
    LocalProtocolError,
    NegotiationError,
    PeerClosedError,
    PeerLimitError,
    RemoteProtocolError,
    SameClientError,
)
from pyodide_rtc.peer import Peer
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.awareness import AwarenessMachine
from pyodide_rtc.protocol.comparison import Comparison
from pyodide_rtc.protocol.deadlines import earliest
from pyodide_rtc.protocol.doubts import Doubts
from pyodide_rtc.protocol.effects import (
    ApplyUpdate,
    AskCheck,
    AskComparison,
    AskDiff,
    AskState,
    CheckServers,
    CloseTransport,
    DropHeld,
    Effect,
    PeersChanged,
    Report,
)
from pyodide_rtc.protocol.fault_limits import FaultLimits
from pyodide_rtc.protocol.guests import Guests
from pyodide_rtc.protocol.intake import MAX_WAITING_BYTES
from pyodide_rtc.protocol.late import LateFrames
from pyodide_rtc.protocol.links import Links, show
from pyodide_rtc.protocol.mesh import Mesh
from pyodide_rtc.protocol.strangers import Strangers
from pyodide_rtc.protocol.tabs import Tabs
from pyodide_rtc.protocol.transfers import MAX_RECEIVED_BYTES
from pyodide_rtc.protocol.unreached import Unreached
from pyodide_rtc.wire.awareness import AwarenessEntry
from pyodide_rtc.wire.chunks import CHUNK_TYPE
from pyodide_rtc.wire.messages import (
    AwarenessMessage,
    Message,
    QueryAwareness,
    StateCheck,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
    TabPeer,
    UnknownMessage,
    decode,
    encode,
)
from pyodide_rtc.wire.payload import Announce, Lost, SignalMessage

_CALLS = (ev.PayloadReceived, ev.StrangerHeard, ev.ServerOpened, ev.TimePassed)
"""What makes us speak up by ourselves, or to whom we are not linked."""


@dataclass(slots=True)
class RoomMachine:
    """Everything that a room decides.

    Args:
        mesh: the peers by WebRTC, none yet.
        max_received_bytes: the largest message that is taken from a peer.
    """

    mesh: Mesh
    max_received_bytes: int = MAX_RECEIVED_BYTES
    awareness: AwarenessMachine = field(init=False)
    strangers: Strangers = field(default_factory=Strangers)
    unreached: Unreached = field(default_factory=Unreached)
    links: Links = field(init=False)
    _comparison: Comparison = field(init=False)
    _doubts: Doubts = field(default_factory=Doubts)
    _guests: Guests = field(default_factory=Guests)
    _fault_limits: FaultLimits = field(default_factory=FaultLimits)
    _late: LateFrames = field(init=False)
    _tabs: Tabs = field(init=False)
    _is_left: bool = False
    _is_away: bool = False

    def __post_init__(self) -> None:
        self.awareness = AwarenessMachine(self.mesh.client_id)
        self.links = Links(self.mesh, self.awareness, self.max_received_bytes)
        self._comparison = Comparison(self.links)
        self._late = LateFrames(self.max_received_bytes)
        self._tabs = Tabs(self.links)

    @property
    def deadline_s(self) -> float | None:
        """When `TimePassed` is to be given next; None if nothing is waited for."""
        if self._is_left or self._is_away:
            return None
        return earliest(
            self.mesh.deadline_s,
            self.awareness.deadline_s,
            self._comparison.deadline_s,
            self._doubts.deadline_s,
        )

    @property
    def peers(self) -> tuple[Peer, ...]:
        """All peers, those on their way included."""
        return self.links.peers

    def handle(self, event: ev.Event, now_s: float) -> list[Effect]:
        """Take an event and tell what is to be done, in order.

        Args:
            event: what happened.
            now_s: the time, by any clock that never goes back.
        """
        if self._is_left or (self._is_away and isinstance(event, _CALLS)):
            return []
        effects = self._dispatch(event, now_s)
        effects += [twin for e in effects if (twin := self._twin(e)) is not None]
        effects = self._fault_limits.sift(effects, now_s)
        gone = [client_id for e in effects if (client_id := self._note(e, now_s)) is not None]
        return effects + show(self.awareness.remove(gone)) if gone else effects

    def _twin(self, effect: Effect) -> Effect | None:
        """Tell of a peer that joins with the client id of our document."""
        match effect:
            case PeersChanged(peer_id, "joined", client_id=int(client_id)) if self.links.is_twin(
                client_id
            ):
                return Report(SameClientError(peer_id, client_id))
        return None

    def _note(self, effect: Effect, now_s: float) -> int | None:
        """Take note of what follows from an effect; give the client whose presence ends by it."""
        match effect:
            case CloseTransport(conn):
                if (traffic := self.links.forget(conn)) is not None:
                    self._late.keep(conn, traffic)
                self._comparison.stock.forget(conn)
                self._guests.forget(conn)
            case Report(IceFailedError() as error):
                self.unreached.take(error, now_s)
            case PeersChanged(peer_id, "joined", client_id=client_id):
                self.unreached = Unreached()
                if client_id is not None:
                    self.links.claim(client_id, peer_id)
            case PeersChanged(peer_id, "left", client_id=int(client_id)):
                return client_id if self.links.release(client_id, peer_id) else None
        return None

    def _dispatch(self, event: ev.Event, now_s: float) -> list[Effect]:  # noqa: C901 - one case each
        match event:
            case ev.FrameReceived(link, data):
                return self._on_frames(link, (data,), now_s)
            case ev.Flooded(link, waiting_bytes):
                return self._on_flood(link, waiting_bytes)
            case ev.FramesReceived(link, frames) if self._is_linked(link):
                return self._on_frames(link, frames, now_s)
            case ev.FramesReceived():
                return self._late.take(event, now_s)
            case ev.FramesEnded(conn):
                self._late.end(conn)
                return []
            case ev.DocumentChanged():
                self._comparison.times.on_change(now_s)
                return self.links.tell_change(event)
            case ev.CheckRead():
                return self._comparison.tell(event, now_s)
            case ev.Compared():
                try:
                    return self._comparison.compare(event)
                except RemoteProtocolError as error:
                    return self._refuse(event.link, error)
            case ev.DiffRead():
                self._comparison.stock.on_answer(event)
                return self.links.send_diff(event)
            case ev.FramesGone():
                return self.links.on_gone(event, now_s)
            case ev.AnswerApplied(link):
                return self._mark_synced(link)
            case ev.StateVectorRead():
                return self._greet(event)
            case ev.LocalStateSet(state):
                return self.links.tell_awareness(self.awareness.set_local(state, now_s), None)
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
                return []
            case ev.ChannelOpened():
                return self.mesh.on_channel_opened(event)
            case ev.ChannelClosed(conn, _, reason):
                return self.mesh.lose(conn, reason, PeerClosedError, now_s)
            case ev.PathRestored(conn):
                restored = self.mesh.on_path_restored(conn)
                # The other end may have noticed nothing: it learns what it has missed, and asks.
                return [*restored, AskCheck()] if restored else []
            case ev.TransportFailed(conn, reason, is_ice):
                if is_ice:
                    return self.mesh.lose_path(conn, reason, now_s)
                return self.mesh.lose(conn, reason, NegotiationError, now_s)
            case ev.TransportUnsure(conn, is_sure):
                if not is_sure:
                    return self._doubt(conn, now_s)
                self._doubts.end(conn)
                return []
            case ev.PathFound():
                return self.mesh.on_path(event)
            case ev.PutAway():
                self._is_away = True
                reason = "the page is put away"
                return self._tabs.leave(reason) + self.mesh.put_away(reason, now_s)
            case ev.Woken():
                return self._wake(now_s)
            case ev.UpdateRefused(link, reason):
                return self._refuse(link, RemoteProtocolError(reason))
            case ev.UpdateFailed(link, reason):
                # Not the peer's fault, as far as we know: the next comparison asks for it again.
                return [Report(InternalError("taking a change of a peer", reason))]
            case ev.UpdateBlocked(link, size):
                return self._block(link, size, now_s)
            case ev.ServerOpened(url):
                return self.mesh.on_server_opened(url, now_s)
            case ev.TabOpened():
                return self._tabs.open()
            case ev.TabPeerGone(peer_id):
                return self._tabs.take(TabPeer(peer_id, False))
            case ev.TimePassed():
                return self._on_time(now_s)
            case ev.LeaveAsked():
                return self._leave(now_s)
            case _:
                assert_never(event)

    def _on_time(self, now_s: float) -> list[Effect]:
        renewed, outdated = self.awareness.expire(now_s)
        effects = self.links.tell_awareness(renewed, None) + show(outdated)
        lost = self._doubts.expired(now_s)
        for conn in lost:
            effects += self.mesh.lose(conn, "it does not answer any more", PeerClosedError, now_s)
        if lost:
            effects.append(CheckServers())
        effects += self._comparison.on_time(now_s, is_renewal=bool(renewed.all))
        return effects + self.mesh.on_time(now_s)

    # Links.

    def _on_payload(
        self, url: str, payload: Announce | Lost | SignalMessage, now_s: float
    ) -> list[Effect]:
        if payload.sender in self.links.tab_peers:
            return []  # the tab channel links us already
        if isinstance(payload, Lost):
            return self._on_lost(payload.sender, now_s)
        return self.mesh.on_payload(url, payload, now_s)

    def _on_lost(self, peer_id: str, now_s: float) -> list[Effect]:
        self.unreached.lose(peer_id)
        peer = self.mesh.get(peer_id)
        if peer is None:
            return []
        if peer.is_joined:
            return self._doubt(peer.negotiation.conn, now_s)
        # Not dropped: a server may find a socket dead long after its peer has opened a new one.
        peer.may_be_gone = True
        return []

    def _on_stranger(self, reason: str, now_s: float) -> list[Effect]:
        effects: list[Effect] = []
        if self.strangers.is_news(now_s):
            effects.append(Report(DecryptionError(reason)))
        if self.strangers.may_show_ourselves(now_s):
            # So that they find out, too, that somebody is here whom they do not understand.
            effects += self.mesh.announce(now_s) + self._tabs.show()
        return effects

    def _doubt(self, conn: int | None, now_s: float) -> list[Effect]:
        peer = None if conn is None else self.mesh.peer_of(conn)
        if (
            conn is None
            or peer is None
            or not peer.is_joined
            or not self._doubts.begin(conn, now_s)
        ):
            return []
        return self.links.send(conn, encode(QueryAwareness()))

    def _greet(self, event: ev.StateVectorRead) -> list[Effect]:
        if event.link == ev.TAB:
            return [] if self._is_away else self._tabs.greet(event)
        step1 = SyncStep1(event.state_vector)
        state: list[Message] = [] if event.state is None else [SyncStep2(event.state)]
        peer = self.mesh.peer_of(event.link)
        if peer is not None:
            peer.has_whole_state = event.state is not None
        # The state first: it is what a newcomer waits for.
        effects = [e for m in (*state, step1) for e in self.links.send(event.link, encode(m))]
        return effects + self.links.send_awareness(event.link)

    def _answer(self, link: ev.Link, state_vector: bytes) -> list[Effect]:
        peer = self.mesh.peer_of(link)
        if peer is not None and peer.has_whole_state:
            peer.has_whole_state = False  # it asked before it had it; what it asks later is news
            return []
        traffic = self.links.traffic_of(link)
        return [AskDiff(link, state_vector)] if traffic is None else traffic.ask(state_vector)

    def _refuse(self, link: ev.Link, error: RemoteProtocolError) -> list[Effect]:
        """Deal no more with a peer that broke the protocol; of a tab's frame only tell."""
        peer = self.mesh.peer_of(link)
        if peer is None:
            return [Report(error)]
        error.peer_id = peer.peer_id
        refused = self.mesh.refuse(peer.peer_id, error.hint)
        return [DropHeld(link), *refused, Report(error)]

    def _block(self, link: ev.Link, waiting_bytes: int, now_s: float) -> list[Effect]:
        """Lose a link whose update was dropped: when it is there again the peer syncs anew.

        Tabs are asked for what we lack after the next change, as always.
        """
        state = f"a transaction stays open, for which {waiting_bytes} bytes wait"
        report = Report(LocalProtocolError(state, "taking the changes of others"))
        return [report, *self.mesh.lose(link, "too much waits here", PeerClosedError, now_s)]

    # Frames.

    def _is_linked(self, link: ev.Link) -> bool:
        return not self._is_away and (link == ev.TAB or self.mesh.peer_of(link) is not None)

    def _on_flood(self, link: ev.Link, waiting_bytes: int) -> list[Effect]:
        what = "bytes sent faster than they can be taken"
        flood = self._refuse(link, PeerLimitError(what, waiting_bytes, MAX_WAITING_BYTES))
        if link != ev.TAB:
            return flood
        return [DropHeld(link), *flood, AskState(link, 0)]  # which asks for what we lack now

    def _on_frames(self, link: ev.Link, frames: tuple[bytes, ...], now_s: float) -> list[Effect]:
        """Take frames that came by one link; what they say of awareness is passed on as one."""
        heard: list[AwarenessEntry] = []
        effects: list[Effect] = []
        for frame in frames:
            if not self._is_linked(link):  # or no more, since the last one
                break
            self._doubts.end(link)
            try:
                message = decode(frame, max_bytes=self.max_received_bytes)
                effects += self._on_message(link, message, now_s, heard)
            except RemoteProtocolError as error:
                effects += self._refuse(link, error)
        if heard:
            effects += self.links.tell_awareness(self.awareness.apply(heard, now_s), link)
        return effects

    def _on_message(
        self, link: ev.Link, message: Message, now_s: float, heard: list[AwarenessEntry]
    ) -> list[Effect]:
        match message:
            case SyncUpdate(update):
                # Also where it changes nothing: it may wait in the document for what was lost.
                self._comparison.times.on_change(now_s)
                return [ApplyUpdate(link, update)]
            case SyncStep1(state_vector):
                self._comparison.stock.on_question(link, state_vector, now_s)
                return self._answer(link, state_vector)
            case SyncStep2(update):
                return [ApplyUpdate(link, update, is_answer=True)]
            case AwarenessMessage(update):
                return self._on_awareness(link, update, heard)
            case QueryAwareness():
                return self.links.answer_query(link)
            case StateCheck():
                return [AskComparison(link, message)]
            case TabPeer() if link == ev.TAB:
                return self._tabs.take(message)
            case UnknownMessage(kind, body) if kind == CHUNK_TYPE and self.links.takes_chunks(link):
                return self._on_chunk(link, body, now_s, heard)
            case _:  # an extension that we do not know, as a stock peer may not know ours
                self.links.count_unknown(link)
                return []

    def _on_chunk(
        self, link: ev.Link, body: bytes, now_s: float, heard: list[AwarenessEntry]
    ) -> list[Effect]:
        traffic = self.links.traffic_of(link)
        assert traffic is not None, "chunks are taken from a peer only"
        message, effects = traffic.on_chunk(body, now_s)
        if message is not None:
            effects += self._on_message(link, message, now_s, heard)
        return effects

    def _on_awareness(
        self, link: ev.Link, update: bytes, heard: list[AwarenessEntry]
    ) -> list[Effect]:
        # Faults are told, not punished: a stock peer passes on what others say, whatever it is.
        entries, errors = self._guests.read(
            link, update, self.awareness.is_here, max_bytes=self.max_received_bytes
        )
        heard += entries
        peer = self.mesh.peer_of(link)
        for error in errors:
            error.peer_id = None if peer is None else peer.peer_id
        return [Report(error) for error in errors]

    def _mark_synced(self, link: ev.Link) -> list[Effect]:
        if link == ev.TAB:
            return self._tabs.mark_synced()
        peer = self.mesh.peer_of(link)
        if peer is None:  # it went while its answer was applied
            return []
        # Whether it has told all that it has can be seen where it has told how much that is.
        return [AskComparison(link, peer.asked_for)] if peer.asked_for else peer.settle(0)

    # The end.

    def _leave(self, now_s: float) -> list[Effect]:
        effects = self.links.tell_awareness(self.awareness.set_local(None, now_s), None)
        effects += self._tabs.leave("we left")
        for peer_id in [p.peer_id for p in self.mesh]:
            effects += self.mesh.drop(peer_id, "we left", is_gentle=True)
        self._is_left = True
        return effects

    def _wake(self, now_s: float) -> list[Effect]:
        effects: list[Effect] = []
        if self._is_away:
            self._is_away = False
            self.mesh.come_back(now_s)
            effects += self._tabs.reopen()
        for peer in list(self.mesh):
            effects += self._doubt(peer.negotiation.conn, now_s)
        return effects + self.mesh.announce_again(now_s)
