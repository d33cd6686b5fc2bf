"""What the other end of a link has of one document, as far as we know, and what it still lacks.

While a link is congested, changes of the document are held back. Only the state vector before the
first of them is kept. When the link has room again, the other end gets one difference since then.

Small changes that have overtaken a large one are sent again after it. The receiving document keeps
them as pending, but does not always notice that it could go on: after one update that came late,
Yrs 0.28 (pycrdt's) left something pending in a third of all cases (measured). JavaScript's Yjs 13.6
does so seldom: in 2 of 720 documents whose parts came in a random order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from pyodide_rtc.errors import DecodeError
from pyodide_rtc.protocol.effects import AskDiff, ConnectionEffect, DocumentEffect, SyncChanged
from pyodide_rtc.protocol.events import LinkId
from pyodide_rtc.protocol.link import (
    FRAME_HEAD_BYTES,
    RESUME_BYTES,
    Link,
    PeerLink,
    TabsLink,
    is_small_change,
)
from pyodide_rtc.wire.messages import Message, StateCheck, SyncStep1, SyncStep2, SyncUpdate, encode
from pyodide_rtc.wire.update import MIN_PIECE_BYTES, cut_update

_NO_CHANGE = b"\0\0"

NO_STATE = b"\0"
"""The state vector of an empty document."""

Effects: TypeAlias = list[ConnectionEffect | DocumentEffect]


@dataclass(slots=True)
class Replica:
    """One document at the other end of one link.

    In this class "it" is the other end.

    Args:
        document: the document's name.
        link: the link.
    """

    document: str
    link: Link
    synced: set[str] = field(default_factory=set)
    """The peers there that have sent all that they had, and whose reported changes we all have."""
    ahead: int | None = None
    """How many units we lacked at the last comparison; None before the first."""
    behind: int | None = None
    """How many units it lacked then; None before the first."""
    asked_for: StateCheck | None = None
    """The check of it because of which we asked for what we lack; None once we have that."""
    unlike: tuple[bytes, bytes] | None = None
    """Our digest and its digest, if they differed while the state vectors were equal."""
    is_unlike: bool = False
    """Whether the same two digests came again after each side had sent what it has."""
    is_whole_asked_for: bool = False
    """Whether its whole state is asked for, as its answer did not bring all."""
    stale_clients: set[int] = field(default_factory=set)
    """The clients whose awareness is sent to it when there is room."""
    has_whole_state: bool = False
    """Whether our state went there unasked: its question for it is still to come."""
    has_taken_all: bool = True
    """Whether a comparison has shown that it has all that was written since the link is there."""
    is_waited_for: bool = False
    """Whether it fell silent before it had taken all; until a comparison shows that it has."""
    _untold_since: bytes | None = None  # a state vector: others should have told it what came after
    _missed_since: bytes | None = None  # a state vector: it may lack what came after it
    _repeats: list[bytes] | None = None  # frames that say all of that again; None if too many
    _question: bytes | None = None  # its state vector, to be answered when there is room

    @property
    def peers(self) -> dict[str, int | None]:
        """Who is there: the client ids of their main documents, by peer id."""
        link = self.link
        return link.peers if isinstance(link, TabsLink) else {link.peer_id: link.client_id}

    @property
    def is_level(self) -> bool:
        """Whether the next small frame overtakes nothing that still has to go there."""
        is_complete = self._missed_since is None and self._question is None
        return is_complete and not self.link.is_sending_bulk

    def begin_anew(self) -> None:
        """The link was interrupted: forget what was agreed by it."""
        self.synced.clear()
        self.has_whole_state = False
        self.asked_for = self.unlike = None
        self.is_unlike = self.is_whole_asked_for = False

    def send(self, *messages: Message) -> Effects:
        """Send messages of this document."""
        return [effect for m in messages for effect in self.link.send(encode(m, self.document))]

    # What it has.

    def settle(self, ahead: int) -> Effects:
        """It has answered, and we still lack so many units of what its check tells."""
        effects = self._mark_synced(is_synced=not ahead and not self.is_unlike)
        if (self.ahead or 0) != ahead:
            self.ahead = ahead
            changed = self.tell_change_of_sync()
            effects = [*changed, *(e for e in effects if e not in changed)]
        if not ahead:
            self.asked_for, self.is_whole_asked_for = None, False
        elif not self.is_whole_asked_for:
            # Yrs 0.28 does not take every valid difference, but it takes the whole state then.
            self.is_whole_asked_for = True
            effects += self.send(SyncStep1(NO_STATE))
        return effects

    def compare_digests(self, ours: bytes, its: bytes) -> tuple[bool, Effects]:
        """Compare the digests, when the state vectors are equal.

        If the digests still differ after both ends have exchanged what these stand for, the two
        documents count as not synced.

        Returns:
            whether to start that exchange: once for the same pair of digests; and effects.
        """
        if ours == its:
            self.unlike, self.is_unlike = None, False
            return False, self._mark_synced(is_synced=True)
        if (ours, its) == self.unlike:
            self.is_unlike = True
            return False, self._mark_synced(is_synced=False)
        self.unlike = ours, its
        return True, []

    def ask_for(self, theirs: StateCheck) -> Effects:
        """We ask it for what its check tells.

        If an earlier question is still open, it is not synced.
        """
        effects = [] if self.asked_for is None else self._mark_synced(is_synced=False)
        self.asked_for = theirs
        return effects

    def _mark_synced(self, *, is_synced: bool) -> Effects:
        if not is_synced:
            told = self.tell_change_of_sync() if self.synced else []
            self.synced.clear()
            return told
        fresh = [peer_id for peer_id in self.peers if peer_id not in self.synced]
        self.synced.update(fresh)
        return [SyncChanged(self.document, peer_id, "synced") for peer_id in fresh]

    def tell_change_of_sync(self) -> Effects:
        """Tell the user that it is ahead or behind, or no longer."""
        return [SyncChanged(self.document, peer_id, "changed") for peer_id in self.peers]

    def wait_if_quiet(self) -> Effects:
        """Note that something waits for it, if it does not answer and has not taken all."""
        if self.has_taken_all or self.is_waited_for or self.link.quiet is None:
            return []
        self.is_waited_for = True
        return self.tell_change_of_sync()

    def expect_taking(self) -> Effects:
        """Something was written that it is to take."""
        self.has_taken_all = False
        return self.wait_if_quiet()

    def settle_taken(self) -> Effects:
        """A comparison has shown that it has taken all."""
        was_waited_for, self.is_waited_for, self.has_taken_all = self.is_waited_for, False, True
        return self.tell_change_of_sync() if was_waited_for else []

    # What it is told.

    def tell_change(self, update: bytes | None, before_state: bytes) -> Effects:
        """Send a change of the document, or remember that the other end lacks it.

        Args:
            update: the change; None for a large one, which is sent as a difference.
            before_state: the state vector before it.
        """
        if update is None:
            self._miss(before_state, None)
            return self.resume()
        if not self.link.admits(len(update)):
            self._miss(before_state, None)
            return []
        if self.link.is_sending_bulk and is_small_change(len(update)):
            self._miss(before_state, encode(SyncUpdate(update), self.document))
        return self.send_update(update, is_answer=False)

    def leave_to_others(self, before_state: bytes) -> None:
        """It should receive a change from the change's source itself, so we do not send it.

        Args:
            before_state: the state vector before it.
        """
        self._untold_since = self._untold_since or before_state

    @property
    def is_left_to_others(self) -> bool:
        """Whether there is a change that we left to others, and no comparison since."""
        return self._untold_since is not None

    def settle_untold(self) -> None:
        """A comparison has shown that it has all that we have."""
        self._untold_since = None

    def flush(self) -> Effects:
        """Send all that it may lack, even if the link is full: we are about to leave."""
        lacking = {since for since in (self._untold_since, self._missed_since) if since is not None}
        self._untold_since = self._missed_since = self._repeats = self._question = None
        return [e for since in sorted(lacking) for e in self._ask_difference(since)]

    def send_update(self, update: bytes, *, is_answer: bool) -> Effects:
        """Send an update; in pieces, if it is too large for a stock peer."""
        message = SyncStep2(update) if is_answer else SyncUpdate(update)
        frame, link = encode(message, self.document), self.link
        if isinstance(link, TabsLink) or link.is_own_kind or len(frame) <= link.max_frame_bytes:
            return [*link.send(frame)]
        return self._send_pieces(link, update, is_answer=is_answer) or [*link.send(frame)]

    def _send_pieces(self, link: PeerLink, update: bytes, *, is_answer: bool) -> Effects:
        """Send a large update in pieces; return no effects if it cannot be cut."""
        limit = link.max_frame_bytes
        try:
            pieces = cut_update(update, max(limit - FRAME_HEAD_BYTES, MIN_PIECE_BYTES))
        except DecodeError:
            return []
        frames = [encode(SyncUpdate(piece)) for piece in pieces]
        effects: Effects = [e for f in frames if len(f) > limit for e in link.send(f)]
        fitting = [f for f in frames if len(f) <= limit]
        if is_answer:
            # A stock peer counts as synced once it has a step 2, so that goes last.
            fitting.append(encode(SyncStep2(_NO_CHANGE)))
        return [*effects, *link.send_series(fitting)]

    def answer(self, state_vector: bytes) -> Effects:
        """Answer its question for what it lacks, now or when there is room.

        Only the latest question is kept. So a peer that asks and does not read costs one answer.
        """
        if self.has_whole_state:
            self.has_whole_state = False  # it asked before our state came; later questions count
            return []
        if not self.link.has_room:
            self._question = state_vector
            return []
        return [AskDiff(self.document, self.link.id, state_vector)]

    def resume(self) -> Effects:
        """Send what was held back, if there is room."""
        if not self.link.has_room:
            return []
        since, self._missed_since = self._missed_since, None
        repeats, self._repeats = self._repeats, None
        question, self._question = self._question, None
        if question is not None:
            # The answer brings all missed changes, too.
            return [AskDiff(self.document, self.link.id, question)]
        if since is None:
            return []
        if repeats is not None:
            return [effect for frame in repeats for effect in self.link.send(frame)]
        return self._ask_difference(since)

    def _ask_difference(self, since: bytes) -> Effects:
        return [AskDiff(self.document, self.link.id, since, is_answer=False)]

    def _miss(self, before_state: bytes, frame: bytes | None) -> None:
        """Remember that the other end lacks a change.

        Args:
            before_state: the state vector before the change.
            frame: the frame of the change, if it is sent now and has to be repeated later.
        """
        if self._missed_since is None:
            self._missed_since = before_state
            self._repeats = []
        if self._repeats is None:
            return
        if frame is None or sum(map(len, self._repeats)) + len(frame) > RESUME_BYTES:
            self._repeats = None
        else:
            self._repeats.append(frame)


def receivers(
    replicas: Mapping[LinkId, Replica], source: LinkId | None
) -> tuple[list[Replica], list[Replica]]:
    """Return who a change has to be sent to, and who receives it from its source itself.

    The second are those who are linked with the source. The source is in neither.

    Args:
        replicas: all replicas, by link.
        source: the link that the change came by; None if it was made here.
    """
    origin = None if source is None else replicas.get(source)
    told: list[Replica] = []
    served: list[Replica] = []
    for replica in replicas.values():
        if replica.link.is_open and replica.link.id != source:
            is_served = origin is not None and replica.link.hears(origin.link)
            (served if is_served else told).append(replica)
    return told, served
