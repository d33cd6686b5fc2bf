"""One document of a room as a machine: greets, answers, tells what changed, applies what came.

It does not know the document's content: it asks for state vectors and differences by effects. Nor
does it know how a link reaches anybody.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import assert_never

from pyodide_rtc.errors import InternalError, SameClientError
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.deadlines import earliest
from pyodide_rtc.protocol.document.comparison import Comparison
from pyodide_rtc.protocol.document.presence import Presence
from pyodide_rtc.protocol.document.replica import Effects, Replica, left_to_others, receivers
from pyodide_rtc.protocol.effects import ApplyUpdate, AskComparison, AskDiff, AskState, Report
from pyodide_rtc.protocol.link import Link, PeerLink, TabsLink
from pyodide_rtc.wire.messages import (
    AwarenessMessage,
    Message,
    QueryAwareness,
    StateCheck,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
)

EAGER_STATE_BYTES = 16_384
"""A state below this size goes to a peer of our own kind at once, without waiting to be asked: it
is there half a round trip earlier, and costs next to nothing if most of it was known."""

NO_STATE = b"\0"
"""The state vector of an empty document."""


@dataclass(slots=True)
class DocumentMachine:
    """Everything that is decided about one document.

    Args:
        name: the document's name.
        client_id: our own client id in it.
        max_received_bytes: the largest message that is taken from a peer.
    """

    name: str
    client_id: int
    max_received_bytes: int
    replicas: dict[ev.LinkId, Replica] = field(default_factory=dict)
    presence: Presence = field(init=False)
    _comparison: Comparison = field(init=False)
    _do_tabs_lack_state: bool = False

    def __post_init__(self) -> None:
        self.presence = Presence(self.name, self.client_id, self.replicas, self.max_received_bytes)
        self._comparison = Comparison(self.name, self.replicas)

    @property
    def deadline_s(self) -> float | None:
        """When `on_time` should be called next; None if nothing is waited for."""
        return earliest(self.presence.awareness.deadline_s, self._comparison.deadline_s)

    # Links.

    def know_link(self, link: Link) -> None:
        """Take that frames may come by a link."""
        self.replicas.setdefault(link.id, Replica(self.name, link))

    def open_link(self, link: Link, *, is_back: bool = False) -> Effects:
        """Greet the other end of a link, which is new, or may have lost something."""
        is_new = link.id not in self.replicas
        self.know_link(link)
        # No state unasked to who has had it: that counts on a question, but it may lack nothing.
        is_eager = isinstance(link, TabsLink) or (is_new and link.is_own_kind)
        effects: Effects = [AskState(self.name, link.id, EAGER_STATE_BYTES if is_eager else 0)]
        if is_back:
            self.replicas[link.id].begin_anew()
            # The other end may have noticed nothing: it learns what it has missed, and asks.
            effects.append(self._comparison.ask_check(link.id))
        return effects

    def close_link(self, link: ev.LinkId) -> None:
        """Forget what the other end of a link has."""
        del self.replicas[link]
        self.presence.forget(link)
        self._comparison.stock.forget(link)

    def on_room(self, link: ev.LinkId) -> Effects:
        """Take that frames have gone by a link: go on with what is held back, if there is room."""
        replica = self.replicas.get(link)
        return [] if replica is None else replica.resume() + self.presence.on_room(replica)

    def join_peer(self, peer_id: str, client_id: int | None, *, by_tabs: bool) -> Effects:
        """Take that a peer is linked, and which client id its document has."""
        effects: Effects = []
        if client_id is not None:
            self.presence.join(client_id, peer_id)
        if self.presence.is_twin(client_id):
            assert client_id is not None, "it is ours"
            effects.append(Report(SameClientError(peer_id, client_id)))
        if by_tabs and self._do_tabs_lack_state:
            # Too large to be told to nobody, and who was here before us does not ask for it.
            self._do_tabs_lack_state = False
            effects.append(AskDiff(self.name, ev.TABS, NO_STATE))
        return effects

    def leave_peer(self, peer_id: str, client_id: int | None) -> Effects:
        """Take that a peer is gone."""
        for replica in self.replicas.values():
            replica.synced.discard(peer_id)
        effects = [] if client_id is None else self.presence.leave(client_id, peer_id)
        if any(replica.is_left_to_others for replica in self.replicas.values()):
            # It may have told only us of its last change.
            effects.append(self._comparison.ask_check())
        return effects

    def is_synced(self, replica: Replica | None, peer_id: str, client_id: int | None) -> bool:
        """Whether a peer has told all that it has; one with our own client id never has."""
        is_here = replica is not None and peer_id in replica.synced
        return is_here and not self.presence.is_twin(client_id)

    # Messages.

    def hear(self, link: ev.LinkId, message: Message, now_s: float) -> Effects:
        """Take a message; `settle` is to be called after the last one of a run.

        Raises:
            RemoteProtocolError: it makes no sense.
        """
        replica = self.replicas[link]
        match message:
            case SyncUpdate(update):
                # Also where it changes nothing: it may wait in the document for what was lost.
                self._comparison.times.on_change(now_s)
                return [ApplyUpdate(self.name, link, update)]
            case SyncStep1(state_vector):
                self._comparison.stock.on_question(link, state_vector, now_s)
                return replica.answer(state_vector)
            case SyncStep2(update):
                return [ApplyUpdate(self.name, link, update, is_answer=True)]
            case AwarenessMessage(update):
                return self._on_awareness(replica, update)
            case QueryAwareness():
                return self.presence.answer_query(replica)
            case StateCheck():
                return [AskComparison(self.name, link, message)]
            case _:  # an extension that we do not know, as a stock peer may not know ours
                replica.link.unknown_messages += 1
                return []

    def hear_late(self, link: ev.LinkId, message: Message) -> Effects:
        """Take a message of a link that is gone: what it says of the content counts still."""
        if isinstance(message, SyncUpdate | SyncStep2):
            return [ApplyUpdate(self.name, link, message.update)]
        return []

    def settle(self, link: ev.LinkId, now_s: float) -> Effects:
        """Pass on what a run of messages said of awareness."""
        return self.presence.settle(link, now_s)

    def _on_awareness(self, replica: Replica, update: bytes) -> Effects:
        link = replica.link
        errors = self.presence.hear(link.id, update)
        for error in errors:
            error.peer_id = link.peer_id if isinstance(link, PeerLink) else None
        return [Report(error) for error in errors]

    # Events.

    def handle(self, event: ev.DocumentEvent, now_s: float, *, is_complete: bool) -> Effects:
        """Take what was read of the document, or what happened to it.

        Args:
            event: what.
            now_s: the time.
            is_complete: whether nobody is on the way to us.

        Raises:
            RemoteProtocolError: what a peer told makes no sense.
        """
        match event:
            case ev.DocumentChanged(_, update, source, before_state):
                self._comparison.times.on_change(now_s)
                return self._tell_change(update, source, before_state)
            case ev.CheckRead():
                return self._comparison.tell(event, now_s, is_complete=is_complete)
            case ev.Compared():
                return self._comparison.compare(event, now_s)
            case ev.DiffRead(_, link, update, is_answer):
                self._comparison.stock.on_answer(event)
                replica = self.replicas.get(link)
                return [] if replica is None else replica.send_update(update, is_answer=is_answer)
            case ev.AnswerApplied(_, link):
                return self._on_answered(link)
            case ev.StateVectorRead():
                return self._greet(event)
            case ev.LocalStateSet(_, state):
                return self.presence.set_local(state, now_s)
            case ev.UpdateFailed(_, _, reason):
                # Not the peer's fault, as far as we know: the next comparison asks for it again.
                return [Report(InternalError("taking a change of a peer", reason))]
            case _:
                assert_never(event)

    def on_time(self, now_s: float) -> Effects:
        """Renew our presence, drop who is silent, and begin the checks that are due."""
        effects, is_renewal = self.presence.expire(now_s)
        return effects + self._comparison.on_time(now_s, is_renewal=is_renewal)

    def flush(self) -> Effects:
        """Send all that others may lack, for we are about to leave."""
        return [e for r in self.replicas.values() if r.link.is_open for e in r.flush()]

    def leave(self, now_s: float) -> Effects:
        """Say that we are gone."""
        return self.presence.set_local(None, now_s)

    def _tell_change(
        self, update: bytes | None, source: ev.LinkId | None, before_state: bytes
    ) -> Effects:
        for replica in left_to_others(self.replicas, source):
            replica.leave_to_others(before_state)
        told = receivers(self.replicas, source)
        return [effect for r in told for effect in r.tell_change(update, before_state)]

    def _on_answered(self, link: ev.LinkId) -> Effects:
        replica = self.replicas.get(link)
        if replica is None:  # it went while its answer was applied
            return []
        # Whether it has told all that it has can be seen where it has told how much that is.
        if replica.asked_for is not None:
            return [AskComparison(self.name, link, replica.asked_for)]
        return replica.settle(0)

    def _greet(self, event: ev.StateVectorRead) -> Effects:
        replica = self.replicas.get(event.link)
        if replica is None:
            return []
        step1 = SyncStep1(event.state_vector)
        state: list[Message] = [] if event.state is None else [SyncStep2(event.state)]
        if isinstance(replica.link, TabsLink):
            self._do_tabs_lack_state = event.state is None
            greeting = replica.send(step1, *state, QueryAwareness())
            return greeting + self.presence.send_own(replica)
        replica.has_whole_state = event.state is not None
        # The state first: it is what a newcomer waits for.
        return replica.send(*state, step1) + self.presence.send_all(replica)
