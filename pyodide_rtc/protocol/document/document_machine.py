"""One document of a room as a machine: it greets, answers, sends changes, and applies updates.

It does not know the document's content: by effects it asks for state vectors and differences. Nor
does it know how a link reaches anybody.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import assert_never

from pyodide_rtc.errors import InternalError, SameClientError
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.deadlines import earliest
from pyodide_rtc.protocol.document.comparison import Comparison
from pyodide_rtc.protocol.document.presence import Presence
from pyodide_rtc.protocol.document.replica import (
    NO_STATE,
    Effects,
    Replica,
    receivers,
)
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
"""A state below this size is sent to a peer of our own kind at once, before the peer asks. So it is
there half a round trip earlier, and costs next to nothing if the peer had most of it."""


@dataclass(slots=True)
class DocumentMachine:
    """Decides everything about one document.

    Args:
        name: the document's name.
        client_id: our own client id in it.
        max_received_bytes: the largest message that a peer may send.
    """

    name: str
    client_id: int
    max_received_bytes: int
    replicas: dict[ev.LinkId, Replica] = field(default_factory=dict)
    presence: Presence = field(init=False)
    changed_s: float = -math.inf
    """When something was written last that did not come from tabs."""
    _comparison: Comparison = field(init=False)
    _do_tabs_lack_state: bool = False

    def __post_init__(self) -> None:
        self.presence = Presence(self.name, self.client_id, self.replicas, self.max_received_bytes)
        self._comparison = Comparison(self.name, self.replicas)

    @property
    def deadline_s(self) -> float | None:
        """When `on_time` should be called next; None if no deadline is set."""
        return earliest(self.presence.awareness.deadline_s, self._comparison.deadline_s)

    # Links.

    def know_link(self, link: Link) -> None:
        """Keep a replica for a link by which frames may come."""
        self.replicas.setdefault(link.id, Replica(self.name, link))

    def open_link(self, link: Link, *, is_back: bool = False) -> Effects:
        """Greet the other end of a link that is new, or by which something may have been lost."""
        is_new = link.id not in self.replicas
        self.know_link(link)
        # Our state goes unasked only by a new link. After it we expect the peer's question, and do
        # not answer that (`has_whole_state`). A peer that had the state may never ask.
        is_eager = isinstance(link, TabsLink) or (is_new and link.is_own_kind)
        effects: Effects = [AskState(self.name, link.id, EAGER_STATE_BYTES if is_eager else 0)]
        if is_back:
            self.replicas[link.id].begin_anew()
            # The peer may not have noticed the interruption: a check shows it what it has missed.
            effects.append(self._comparison.ask_check(link.id))
        return effects

    def close_link(self, link: ev.LinkId) -> None:
        """Forget what the other end of a link has."""
        del self.replicas[link]
        self.presence.forget(link)
        self._comparison.stock.forget(link)

    def on_room(self, link: ev.LinkId) -> Effects:
        """Frames have gone by a link: send what is held back, if there is room."""
        replica = self.replicas.get(link)
        return [] if replica is None else replica.resume() + self.presence.on_room(replica)

    def on_quiet(self, link: ev.LinkId) -> Effects:
        """The peer of a link does not answer its page, or does again."""
        replica = self.replicas.get(link)
        return [] if replica is None else replica.wait_if_quiet()

    def join_peer(self, peer_id: str, client_id: int | None, *, by_tabs: bool) -> Effects:
        """A peer is linked: keep the client id of its document."""
        effects: Effects = []
        if client_id is not None:
            self.presence.join(client_id, peer_id)
        if self.presence.is_twin(client_id):
            assert client_id is not None, "it is ours"
            effects.append(Report(SameClientError(peer_id, client_id)))
        if by_tabs and self._do_tabs_lack_state:
            # Our state was too large for the greeting, and a tab that was here before us does not
            # ask for it: it is sent to the first tab that we know of.
            self._do_tabs_lack_state = False
            effects.append(AskDiff(self.name, ev.TABS, NO_STATE))
        return effects

    def leave_peer(self, peer_id: str, client_id: int | None) -> Effects:
        """A peer is no longer linked: forget what we knew of it."""
        for replica in self.replicas.values():
            replica.synced.discard(peer_id)
        effects = [] if client_id is None else self.presence.leave(client_id, peer_id)
        if any(replica.is_left_to_others for replica in self.replicas.values()):
            # It may have told only us of its last change.
            effects.append(self._comparison.ask_check())
        return effects

    def replica_of(self, peer_id: str) -> Replica | None:
        """Return the replica of the link by which a peer is reached."""
        return next((r for r in self.replicas.values() if peer_id in r.peers), None)

    def is_synced(self, replica: Replica | None, peer_id: str, client_id: int | None) -> bool:
        """Whether a peer has sent all that it has, and nothing waits for it to answer again.

        One with our own client id never counts.
        """
        is_here = replica is not None and peer_id in replica.synced and not replica.is_waited_for
        return is_here and not self.presence.is_twin(client_id)

    # Messages.

    def hear(self, link: ev.LinkId, message: Message, now_s: float) -> Effects:
        """Handle a message; call `settle` after the last one of a run.

        Raises:
            RemoteProtocolError: it makes no sense.
        """
        replica = self.replicas[link]
        match message:
            case SyncUpdate(update):
                # Also if it changes nothing: it may wait in the document for an update that was
                # lost, and the comparison finds that.
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
        """Handle a message of a closed link: its updates are still applied."""
        if isinstance(message, SyncUpdate | SyncStep2):
            return [ApplyUpdate(self.name, link, message.update)]
        return []

    def settle(self, link: ev.LinkId, now_s: float) -> Effects:
        """Apply and pass on the awareness states of a run of messages."""
        return self.presence.settle(link, now_s)

    def _on_awareness(self, replica: Replica, update: bytes) -> Effects:
        link = replica.link
        errors = self.presence.hear(link.id, update)
        for error in errors:
            error.peer_id = link.peer_id if isinstance(link, PeerLink) else None
        return [Report(error) for error in errors]

    # Events.

    def handle(self, event: ev.DocumentEvent, now_s: float, *, is_complete: bool) -> Effects:
        """Handle what was read of the document, or what happened to it.

        Args:
            event: the event.
            now_s: the time.
            is_complete: whether all peers that we know of are linked.

        Raises:
            RemoteProtocolError: what a peer sent for a comparison makes no sense.
        """
        match event:
            case ev.DocumentChanged(_, update, source, before_state):
                self._comparison.times.on_change(now_s)
                if source != ev.TABS:
                    self.changed_s = now_s
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
                # This need not be the peer's fault. The next comparison asks for it again.
                return [Report(InternalError("taking a change of a peer", reason))]
            case _:
                assert_never(event)

    def on_time(self, now_s: float) -> Effects:
        """Renew our presence, remove silent clients, and begin the checks that are due."""
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
        told, served = receivers(self.replicas, source)
        for replica in served:
            replica.leave_to_others(before_state)
        effects = [effect for r in told for effect in r.tell_change(update, before_state)]
        compared = (r for r in self.replicas.values() if r.link.is_own_kind and r.link.id != source)
        return effects + [effect for r in compared for effect in r.expect_taking()]

    def _on_answered(self, link: ev.LinkId) -> Effects:
        replica = self.replicas.get(link)
        if replica is None:  # it was closed while its answer was applied
            return []
        # We asked because of its check: a comparison with that check shows if something is missing.
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
        # The state goes first: a newcomer waits for it.
        return replica.send(*state, step1) + self.presence.send_all(replica)
