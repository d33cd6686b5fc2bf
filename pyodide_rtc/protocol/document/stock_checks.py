"""Finding out what stock peers have lost, and sending it again.

A stock peer never tells what it has, but for its state vector when it connects. What it says
anyway is enough. It passes on each update that it has taken in, to its sender as well: an echo.
Its answer to a question (step 1) has all that it has beyond the state vector of the question, and
all deletions. So it is asked now and then with the state vector of what it is proven to have,
which is ours if it has echoed everything. Data channels keep the order, so an answer tells what has
become of all that went before the question: what is missing in it is lost.

What is in the answer but was not echoed is doubtful: Yjs also answers with updates that only wait
in it for others which were lost. It is sent again, too, from where the proof ends.

Knows no document, and no clock.

Source: y-webrtc 10.3 y-webrtc.js ``_docUpdateHandler``, Yjs 13.6 encoding.js ``readUpdateV2``,
``encodeStateAsUpdateV2``; both run in tests/vectors/yjs-answers.mjs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pyodide_rtc.errors import DecodeError
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.deadlines import earliest
from pyodide_rtc.protocol.document.claims import Claims
from pyodide_rtc.protocol.document.replica import Effects, Replica
from pyodide_rtc.protocol.effects import AskDiff, AskInventory
from pyodide_rtc.protocol.link import PeerLink
from pyodide_rtc.wire.messages import Message, SyncStep1, SyncStep2, SyncUpdate
from pyodide_rtc.wire.state import Units, decode_state_vector, encode_state_vector, lacks_deletions
from pyodide_rtc.wire.update_extent import extent_of

INTERVAL_S = 8.0
"""The shortest time between two questions to a peer: with it, a loss is found within 10 s."""

MAX_INTERVAL_S = 300.0
"""The longest, if a peer does not answer or does not take what it is sent."""

IDLE_BYTES_PER_S = 1024
"""What questions and answers may cost while nothing changes: each tells all deletions that there
ever were, so the longer that history, the rarer they are."""

BUSY_RETRY_S = 1.0
"""How long a question waits that must not overtake what is still to go."""

MAX_SPAN = 50_000
"""For more units without proof only the last one of each client is asked for: the whole may be
above the limit of a message, at which y-webrtc drops its answer without a word. (Where the last one
is half of a surrogate pair, Yjs gives one unit for it all the same; tested with its vectors.)"""

MAX_GREETING_BYTES = 16 * 1024
"""A larger answer to no question of ours is not read: it takes time when a newcomer has none."""

MAX_REPEATS = 2
"""How often the doubtful is sent again to a peer that holds it but does not echo it."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a peer was asked.

    Args:
        clocks: what it should have, by client id.
        deletions: what should be deleted, as a delete set; None if we do not know that ourselves.
        asked_for: the state vector that it was asked with.
        size_bytes: of the message.
    """

    clocks: dict[int, int]
    deletions: bytes | None
    asked_for: dict[int, int]
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Finding:
    """What an answer tells.

    Args:
        missing: how many units the peer lacks, at most.
        short: how far it is proven to be where it lacks some, by client id.
        lacks_deletions: whether it has to delete something.
        unproven: what it holds without having echoed it, by client id.
    """

    missing: int
    short: dict[int, int]
    lacks_deletions: bool
    unproven: dict[int, int]

    @property
    def is_lack(self) -> bool:
        """Whether something is lost."""
        return self.missing > 0 or self.lacks_deletions


@dataclass(slots=True)
class StockView:
    """What is known of one stock peer's document.

    Args:
        link: by which it is reached.
        asked_s: when it was asked last; at first, when it was greeted.
        heard: how far clients go, as the peers say.
    """

    link: ev.LinkId
    asked_s: float
    heard: Claims = field(default_factory=Claims)
    proven: dict[int, int] = field(default_factory=dict)  # what it has for certain, by client id
    question: Question | None = None  # the one without an answer
    is_wanted: bool = False  # to be asked as soon as we know what we have
    due_s: float = field(init=False)
    interval_s: float = INTERVAL_S
    repeats: int = 0
    last_lack: tuple[dict[int, int], bool] | None = None

    def __post_init__(self) -> None:
        self.due_s = self.asked_s + INTERVAL_S

    def hurry(self) -> None:
        """Be asked soon: something has changed."""
        self.due_s = min(self.due_s, self.asked_s + self.interval_s)

    def learn_vector(self, clocks: dict[int, int]) -> None:
        """Take the state vector that the peer told."""
        for client, clock in clocks.items():
            self.proven[client] = max(self.proven.get(client, 0), clock)

    def learn(self, update: bytes) -> None:
        """Take an update of the peer, or its echo of one: it has taken it in."""
        try:
            spans = extent_of(update).spans
        except DecodeError:
            return  # the document judges it: it may know more kinds than we do
        self._overhear(spans)
        for client, [(start, end), *_] in spans.items():
            if start <= self.proven.get(client, 0) < end:  # what is behind a gap waits there
                self.proven[client] = end

    def _overhear(self, spans: Units) -> None:
        """Note how far clients go, behind gaps too."""
        self.heard.take(self.link, ((client, ranges[-1][1]) for client, ranges in spans.items()))

    def ask(self, clocks: dict[int, int], deletions: bytes | None, now_s: float) -> SyncStep1:
        """Make the question.

        Args:
            clocks: what we have, by client id.
            deletions: what is deleted with us, if that is known.
            now_s: the time.
        """
        is_unanswered = self.question is not None
        short = {i: n for i, n in clocks.items() if self.proven.get(i, 0) < n}
        span = sum(n - self.proven.get(i, 0) for i, n in short.items())
        if is_unanswered or span > MAX_SPAN:
            short = {i: n - 1 for i, n in short.items()}
        else:
            short = {i: self.proven.get(i, 0) for i in short}
        asked_for = clocks | short
        message = SyncStep1(encode_state_vector(asked_for))
        self.question = Question(clocks, deletions, asked_for, len(message.state_vector))
        self.asked_s = now_s
        if is_unanswered:
            self._wait(is_in_vain=True)
        self.due_s = now_s + self.interval_s
        return message

    def take(self, update: bytes) -> Finding | None:
        """Take an answer; None if it was to no question of ours, or cannot be read."""
        question, self.question = self.question, None
        if question is None and len(update) > MAX_GREETING_BYTES:
            return None
        try:
            extent = extent_of(update)
            self._overhear(extent.spans)
            if question is None:
                return None
            wanted = question.deletions
            is_undeleted = wanted is not None and lacks_deletions(extent.deletions, wanted)
        except DecodeError:
            return None  # as above
        missing, short, unproven = 0, {}, {}
        for client, clock in question.clocks.items():
            proven = self.proven.get(client, 0)
            if proven >= clock:
                continue
            start, end = extent.spans.get(client, [(0, 0)])[0]
            held = end if start <= max(proven, question.asked_for[client]) else 0
            if held >= clock:
                unproven[client] = held
            else:
                missing += clock - max(held, proven)
                short[client] = proven
        return Finding(missing, short, is_undeleted, unproven)

    def conclude(self, finding: Finding, size_bytes: int, now_s: float) -> bool:
        """Draw the conclusion, and tell whether the peer is to be sent what it may lack.

        Args:
            finding: what its answer told.
            size_bytes: of question and answer.
            now_s: the time.
        """
        lack = (finding.short, finding.lacks_deletions) if finding.is_lack else None
        self._wait(is_in_vain=lack is not None and lack == self.last_lack)
        self.last_lack = lack
        if finding.is_lack:
            return True
        if finding.unproven and self.repeats < MAX_REPEATS:
            self.repeats += 1
            return True
        self.proven |= finding.unproven
        self.repeats = 0
        self.due_s = now_s + max(INTERVAL_S, size_bytes / IDLE_BYTES_PER_S)
        return False

    def _wait(self, *, is_in_vain: bool) -> None:
        self.interval_s = min(self.interval_s * 2, MAX_INTERVAL_S) if is_in_vain else INTERVAL_S
        self.due_s = self.asked_s + self.interval_s


@dataclass(slots=True)
class StockChecks:
    """The questions to the stock peers that have one document.

    Args:
        document: its name.
        replicas: what they have, by link.
        heard: how far clients go in what they have sent.
    """

    document: str
    replicas: dict[ev.LinkId, Replica]
    heard: Claims
    _views: dict[int, StockView] = field(default_factory=dict)  # by connection

    @property
    def deadline_s(self) -> float | None:
        """When `on_time` should be called next."""
        return earliest(*[view.due_s for view in self._views.values()])

    def greet(self, conn: int, now_s: float) -> None:
        """Take that a peer is greeted, which is a question, too."""
        link = self.replicas[conn].link
        if isinstance(link, PeerLink) and not link.is_own_kind:
            self._views.setdefault(conn, StockView(conn, now_s, self.heard))

    def forget(self, conn: int) -> None:
        """Drop what is known of a peer whose connection is closed."""
        self._views.pop(conn, None)

    def hurry(self) -> None:
        """Ask as soon as is decent: the document has changed."""
        for view in self._views.values():
            view.hurry()

    def on_time(self, now_s: float) -> Effects:
        """Find out what we have, if it is time to ask somebody."""
        due = [view for view in self._views.values() if view.due_s <= now_s]
        for view in due:
            view.is_wanted = True
            view.due_s = now_s + view.interval_s
        return [AskInventory(self.document)] if due else []

    def ask(self, event: ev.InventoryRead, now_s: float) -> Effects:
        """Ask those whose time it is."""
        clocks = decode_state_vector(event.state_vector)
        # With structs in it, it has what waits with us for something lost: others need not know it.
        is_known = event.deletions[:1] == b"\0"
        deletions = event.deletions[1:] if is_known else None
        effects: Effects = []
        for conn, view in self._views.items():
            if view.is_wanted:
                view.is_wanted = False
                if self._is_level(conn):
                    effects += self.replicas[conn].send(view.ask(clocks, deletions, now_s))
                else:
                    view.due_s = now_s + BUSY_RETRY_S
        return effects

    def hear(self, conn: int, message: Message, now_s: float) -> Effects:
        """Take what a peer says of its document, and send what it may lack.

        Raises:
            DecodeError: it told something else than a state vector.
        """
        view = self._views.get(conn)
        if view is None:
            return []
        match message:
            case SyncStep1(state_vector):
                view.learn_vector(decode_state_vector(state_vector))
            case SyncUpdate(update):
                view.learn(update)
            case SyncStep2(update):
                return self._on_answer(conn, view, update, now_s)
        return []

    def _on_answer(self, conn: int, view: StockView, update: bytes, now_s: float) -> Effects:
        replica, size = self.replicas[conn], len(update)
        finding = view.take(update)
        if finding is None:
            return []
        effects: Effects = []
        if (replica.behind or 0) != finding.missing:
            effects += replica.tell_change_of_sync()
        replica.behind = finding.missing
        if view.conclude(finding, size, now_s) and self._is_level(conn):
            # As an answer: if that to its own question was lost, it is synced by this one.
            effects.append(AskDiff(self.document, conn, encode_state_vector(view.proven)))
        return effects

    def _is_level(self, conn: int) -> bool:
        """Whether all that there is to tell is on its way, so that a question comes behind it."""
        replica = self.replicas[conn]
        return replica.link.is_open and replica.is_level
