"""Compares what we have with what the others have. So a change that was lost is found.

After changes each peer sends what it has, a `StateCheck`, to those of its own kind. A peer that
lacks something then asks for it. Deletions, and what is behind gaps, show in no state vector: they
are compared by a digest, and if that differs, both send each other all of them.
Stock peers send no checks. Nor do tabs, where all receive everything and no frame names its sender.
Now and then we ask these for what we lack.
Knows no document: state vectors and digests come in with the events.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pyodide_rtc.errors import ChangesMissingError
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.deadlines import earliest, has_passed
from pyodide_rtc.protocol.document.replica import Effects, Replica
from pyodide_rtc.protocol.document.stock_checks import StockChecks, is_stock
from pyodide_rtc.protocol.effects import AskBeyond, AskCheck, Report
from pyodide_rtc.protocol.link import TabsLink
from pyodide_rtc.wire.messages import SyncStep1
from pyodide_rtc.wire.state import count_missing, decode_state_vector

QUIET_S = 2.0
"""A check is made after so long without further changes: by then the others should have all."""

LATEST_S = 5.0
"""A check is made so long after the first change, even if changes go on."""

TAB_INTERVAL_S = 10.0
"""Tabs are asked at most this often: each answer holds all deletions that there ever were."""

GAPS_PATIENCE_S = 10.0
"""A gap that lasts longer than this is reported: if a peer had the missing units, we would have
them by then."""


@dataclass(slots=True)
class CheckTimes:
    """The times of one document's checks; no check is due while nothing changes."""

    _first_s: float | None = None
    _last_s: float = 0.0
    _tabs_s: float | None = None

    @property
    def deadline_s(self) -> float | None:
        """When `is_due` should be asked next; None while nothing has changed."""
        if self._first_s is None:
            return None
        return min(self._last_s + QUIET_S, self._first_s + LATEST_S)

    def on_change(self, now_s: float) -> None:
        """Note a change, whoever made it."""
        if self._first_s is None:
            self._first_s = now_s
        self._last_s = now_s

    def is_due(self, now_s: float) -> bool:
        """Return whether a check is due now; if so, none is due again before the next change."""
        if not has_passed(self.deadline_s, now_s):
            return False
        self._first_s = None
        return True

    def may_ask_tabs(self, now_s: float) -> bool:
        """Return whether tabs may be asked now; if so, they may not for a while."""
        if self._tabs_s is not None and now_s < self._tabs_s + TAB_INTERVAL_S:
            return False
        self._tabs_s = now_s
        return True


@dataclass(slots=True)
class Comparison:
    """The comparison of one document with its replicas.

    Args:
        document: the document's name.
        replicas: the replicas, by link.
    """

    document: str
    replicas: dict[ev.LinkId, Replica]
    times: CheckTimes = field(default_factory=CheckTimes)
    stock: StockChecks = field(init=False)
    _gaps_s: float | None = None  # since when something is missing
    _is_gap_told: bool = False
    _turn: ev.LinkId = ev.TABS

    def __post_init__(self) -> None:
        self.stock = StockChecks(self.document, self.replicas)

    @property
    def deadline_s(self) -> float | None:
        """When `on_time` should be called next."""
        return earliest(self.times.deadline_s, self.stock.deadline_s)

    def on_time(self, now_s: float, *, is_renewal: bool) -> Effects:
        """Begin the checks that are due.

        Args:
            now_s: the time.
            is_renewal: whether our presence was renewed. With each renewal one link, in turn, gets
                a check, even if nothing has changed.
        """
        is_due = self.times.is_due(now_s)
        if is_due:
            self.stock.hurry(now_s)
        effects = self.stock.on_time(now_s)
        if is_due or self.stock.is_question_due(now_s):
            effects.append(self.ask_check())
        elif is_renewal:
            link = self._next_turn()
            # Also if nobody is here while we lack something: that is reported when it lasts.
            if link is not None or self._gaps_s is not None:
                effects.append(self.ask_check(link))
        return effects

    def ask_check(self, link: ev.LinkId | None = None) -> AskCheck:
        """Ask for what we have, to send it by one link, or by all."""
        return AskCheck(self.document, link)

    def tell(self, event: ev.CheckRead, now_s: float, *, is_complete: bool) -> Effects:
        """Send our own kind what we have, and ask stock peers and tabs, if due, for what we lack.

        No check is sent by a link with a transfer under way: the end that still lacks it would ask
        for it again. Once it is there, it changes the document, and that brings the next check.

        Args:
            event: what we have.
            now_s: the time.
            is_complete: whether all peers that we know of are linked.
        """
        check = event.check
        effects: Effects = []
        for replica in self.replicas.values():
            link = replica.link
            if event.link not in (None, link.id):
                continue
            if isinstance(link, TabsLink):
                if link.is_open and self.times.may_ask_tabs(now_s):
                    effects += replica.send(SyncStep1(check.state_vector))
            elif link.is_open and link.is_own_kind and not link.is_transferring(now_s):
                effects += replica.send(check)
        effects += self.stock.ask(check.state_vector, now_s)
        return effects + self._tell_gaps(event.missing, now_s, is_complete=is_complete)

    def compare(self, event: ev.Compared, now_s: float) -> Effects:
        """Ask for what we lack, and let a peer know that it lacks something.

        Raises:
            DecodeError: what the peer sent is no state vector.
        """
        mine, theirs, replica = event.mine, event.theirs, self.replicas.get(event.link)
        if replica is None:
            return []
        have, told = map(decode_state_vector, (mine.state_vector, theirs.state_vector))
        ahead, behind = count_missing(have, told), count_missing(told, have)
        taken: Effects = []
        if not behind and mine.digest == theirs.digest:
            taken = replica.settle_taken()
        if theirs is replica.asked_for:
            return taken + replica.settle(ahead)
        is_news = (replica.ahead or 0, replica.behind or 0) != (ahead, behind)
        effects: Effects = replica.tell_change_of_sync() if is_news else taken
        replica.ahead, replica.behind = ahead, behind
        if not behind:
            replica.settle_untold()
        if replica.link.is_transferring(now_s):
            return effects
        # Not while something large comes from anybody: it is probably what we lack.
        if ahead and not any(r.link.is_receiving(now_s) for r in self.replicas.values()):
            effects += replica.ask_for(theirs)
            effects += replica.send(SyncStep1(mine.state_vector))
        # From our check it sees what it lacks, and asks. If both lack something that no answer
        # brings, the check is not repeated: else the two would go on for ever.
        if behind and (is_news or not ahead):
            effects += replica.send(mine)
        if not ahead and not behind:
            effects += self._compare_digests(event, replica)
        return effects

    def _compare_digests(self, event: ev.Compared, replica: Replica) -> Effects:
        if replica.link.is_full or not replica.is_level:
            return []  # something is still on its way: the next check is compared instead
        is_to_be_sent, effects = replica.compare_digests(event.mine.digest, event.theirs.digest)
        if is_to_be_sent:
            # It may have something that we lack, too. So we send it our check after our own part:
            # from that it sees that we differ, and sends its part.
            effects.append(AskBeyond(self.document, event.link))
            effects += replica.send(event.mine)
        return effects

    def _next_turn(self) -> ev.LinkId | None:
        """Return the open link whose turn it is; None if there is none."""
        compared = (r.link for r in self.replicas.values() if not is_stock(r))
        links = sorted(link.id for link in compared if link.is_open)
        later = [link for link in links if link > self._turn]
        self._turn = (later or links or [self._turn])[0]
        return self._turn if links else None

    def _tell_gaps(self, missing: int, now_s: float, *, is_complete: bool) -> Effects:
        """Report once that units are missing before others that we have, if they do not come.

        Only our own gaps count. What others have and we lack leaves nothing here waiting.
        """
        if not missing:
            self._gaps_s, self._is_gap_told = None, False
        elif self._gaps_s is None or not is_complete or self._is_transferring(now_s):
            self._gaps_s = now_s
        elif now_s >= self._gaps_s + GAPS_PATIENCE_S and not self._is_gap_told:
            self._is_gap_told = True
            return [Report(ChangesMissingError(missing))]
        return []

    def _is_transferring(self, now_s: float) -> bool:
        return any(replica.link.is_transferring(now_s) for replica in self.replicas.values())
