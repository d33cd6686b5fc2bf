"""Batons: each is held by one peer of a room at a time, and goes on in the order of asking.

This is mutual exclusion as by Lamport, and by Ricart and Agrawala, with whole states in the place
of single messages. A peer tells all that are linked what it holds and waits for (its *wishes*), how
far its clock is, and how far it has heard theirs. The clock counts wishes: a new wish is stamped
with one more than any that its asker knows of. A wish is granted once all linked peers have heard
of it (so what they ask for later is stamped later), none of them holds the baton, and none has
asked before.

So a peer that is gone is not waited for, and holds nothing. Two halves of a network have a holder
each. When they meet, the one keeps it that has asked later: the other was taken for gone.

A kernel that computes does not hear of it. If it neither holds the baton nor waits for it as far
as we know, and has not answered for a while, it is not waited for. What it asks for afterwards we
have to agree to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TypeAlias, assert_never

from pyodide_rtc.errors import PeerLimitError
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.deadlines import earliest, has_passed
from pyodide_rtc.protocol.effects import BatonMoved, Effect, Report
from pyodide_rtc.protocol.link import Link, TabsLink, Ways
from pyodide_rtc.snapshot import BatonState
from pyodide_rtc.wire.call_messages import Batons, BatonWish
from pyodide_rtc.wire.messages import encode

QUIET_PATIENCE_S = 3.0
"""So long after a wish we wait for a kernel that does not answer its page. What its page says may
be old, and it may be asking itself at this moment: it would have heard of our wish by then."""

LATE_S = 1.0
"""If we look so much later than we wanted to, our own kernel was busy: what we know of others is of
before, and what they have told us meanwhile waits."""

MAX_CLOCK = 2**40
"""A clock beyond this is ignored. By counting nobody gets there."""

MAX_KNOWN_PEERS = 1_000
"""Of so many peers we remember what they tell. Only tabs can name others than themselves."""

Effects: TypeAlias = list[Effect]


@dataclass(slots=True)
class _Other:
    """What a peer has told.

    Args:
        clock: how far its clock is.
        wishes: what it holds and waits for, by name.
        heard: how far our clock was when it heard us last, as it says.
    """

    clock: int = 0
    wishes: dict[str, BatonWish] = field(default_factory=dict)
    heard: int = 0


@dataclass(slots=True)
class BatonMachine:
    """The batons of one room.

    Args:
        peer_id: our own network identity.
        ways: tells how each peer of our own kind is reached.
        is_quiet: tells whether the kernel of a peer does not answer.
    """

    peer_id: str
    ways: Ways
    is_quiet: Callable[[str], bool]
    _clock: int = 0
    _mine: dict[str, BatonWish] = field(default_factory=dict)
    _asked_s: dict[str, float] = field(default_factory=dict)
    """When we asked for what we wait for, or looked last who does not answer, by name."""
    _others: dict[str, _Other] = field(default_factory=dict)
    _told: dict[str, int] = field(default_factory=dict)
    """How far we have told each peer that we have heard it."""

    @property
    def deadline_s(self) -> float | None:
        """When `on_time` should be called next; None if no deadline is set."""
        return earliest(*(asked_s + QUIET_PATIENCE_S for asked_s in self._asked_s.values()))

    @property
    def states(self) -> dict[str, BatonState]:
        """Who has which baton and who waits for it, of those that can be reached, by name."""
        ways = self.ways()
        told = [(peer_id, other.wishes) for peer_id, other in self._others.items()]
        known = [(self.peer_id, self._mine), *(each for each in told if each[0] in ways)]
        names = sorted({name for _, wishes in known for name in wishes})
        return {name: _state([(p, w[name]) for p, w in known if name in w]) for name in names}

    def handle(self, event: ev.BatonEvent, now_s: float) -> Effects:
        """Handle what the user does."""
        match event:
            case ev.BatonAsked(name):
                self._clock += 1
                self._mine[name] = BatonWish(name, self._clock)
                self._asked_s[name] = now_s
                return [*self._say_to_all(), *self._settle(now_s)]
            case ev.BatonReturned(name):
                if self._drop(name) is None:
                    return []  # it was lost
                return [*self._say_to_all(), BatonMoved(name, "changed")]
            case _:
                assert_never(event)

    def on_time(self, now_s: float) -> Effects:
        """Wait no longer for kernels that do not answer, if it is time."""
        due = [n for n, s in self._asked_s.items() if has_passed(s + QUIET_PATIENCE_S, now_s)]
        is_late = any(now_s > self._asked_s[n] + QUIET_PATIENCE_S + LATE_S for n in due)
        effects = self._settle(now_s) if due and not is_late else []
        self._asked_s |= {name: now_s for name in due if name in self._asked_s}
        return effects

    # Links and peers.

    def open_link(self, link: Link) -> Effects:
        """Tell the other end of a link what we hold and wait for: what we told before may be lost.

        As long as nobody has asked for any baton, nothing is told.
        """
        return self._say([link]) if self._clock else []

    def leave_peer(self, peer_id: str, now_s: float) -> Effects:
        """A peer can no longer be reached: what it holds is free."""
        if peer_id in self.ways():
            return []  # another link has taken its place
        self._told.pop(peer_id, None)
        gone = self._others.pop(peer_id, None)
        moved = [] if gone is None else [BatonMoved(name, "changed") for name in gone.wishes]
        return [*moved, *self._settle(now_s)]

    # Messages.

    def hear(self, sender: str, message: Batons, now_s: float) -> Effects:
        """Handle what a peer holds and waits for."""
        if sender == self.peer_id:
            return []
        if message.clock > MAX_CLOCK:
            return [Report(PeerLimitError("clock of batons", message.clock, MAX_CLOCK, sender))]
        known = len(self._others)
        if sender not in self._others and known >= MAX_KNOWN_PEERS:
            error = PeerLimitError("peers with batons", known + 1, MAX_KNOWN_PEERS, sender)
            return [Report(error)]
        before = self._others.get(sender, _Other()).wishes
        wishes = {wish.name: wish for wish in message.wishes}
        heard = dict(message.heard).get(self.peer_id, 0)
        self._others[sender] = _Other(message.clock, wishes, heard)
        self._clock = max(self._clock, message.clock)
        effects: Effects = []
        newest = max((wish.stamp for wish in wishes.values()), default=0)
        if newest > self._told.get(sender, 0) and (way := self.ways().get(sender)) is not None:
            effects += self._say([way])  # it waits until it knows that we have heard of it
        for wish in wishes.values():
            effects += self._give_way(sender, wish)
        changed = [name for name in before | wishes if before.get(name) != wishes.get(name)]
        effects += [BatonMoved(name, "changed") for name in changed]
        return [*effects, *self._settle(now_s)]

    def _give_way(self, sender: str, theirs: BatonWish) -> Effects:
        """Lose a baton that somebody else holds as well, if that one has asked for it later."""
        mine = self._mine.get(theirs.name)
        if mine is None or not (mine.is_held and theirs.is_held):
            return []
        if (theirs.stamp, sender) < (mine.stamp, self.peer_id):
            return []
        self._drop(theirs.name)
        return [*self._say_to_all(), BatonMoved(theirs.name, "lost")]

    # Inside.

    def _settle(self, now_s: float) -> Effects:
        """Take what we wait for and nobody else has or has asked for before."""
        peers = self.ways().keys()
        granted = [
            wish
            for wish in self._mine.values()
            if not wish.is_held and all(self._is_agreed(peer, wish, now_s) for peer in peers)
        ]
        if not granted:
            return []
        for wish in granted:
            self._mine[wish.name] = replace(wish, is_held=True)
            del self._asked_s[wish.name]
        return [*self._say_to_all(), *(BatonMoved(wish.name, "got") for wish in granted)]

    def _is_agreed(self, peer_id: str, mine: BatonWish, now_s: float) -> bool:
        """Whether a peer, as far as we know, can have the baton only after us."""
        other = self._others.get(peer_id)
        theirs = None if other is None else other.wishes.get(mine.name)
        if theirs is not None and (
            theirs.is_held or (theirs.stamp, peer_id) < (mine.stamp, self.peer_id)
        ):
            return False
        if other is not None and other.heard >= mine.stamp:
            return True
        is_waited_for = now_s < self._asked_s[mine.name] + QUIET_PATIENCE_S
        return theirs is None and not is_waited_for and self.is_quiet(peer_id)

    def _drop(self, name: str) -> BatonWish | None:
        self._asked_s.pop(name, None)
        return self._mine.pop(name, None)

    def _at(self, link: Link) -> list[str]:
        """Who is reached by a link."""
        if isinstance(link, TabsLink):
            return [peer for peer, way in self.ways().items() if isinstance(way, TabsLink)]
        return [link.peer_id]

    def _say_to_all(self) -> Effects:
        return self._say({id(way): way for way in self.ways().values()}.values())

    def _say(self, ways: Iterable[Link]) -> Effects:
        effects: Effects = []
        for way in ways:
            heard = {i: self._others[i].clock for i in self._at(way) if i in self._others}
            wishes = (*self._mine.values(),)
            frame = encode(Batons(self.peer_id, self._clock, wishes, (*heard.items(),)))
            effects += way.send(frame)
            self._told |= heard
        return effects


def _state(wishes: list[tuple[str, BatonWish]]) -> BatonState:
    """Return who has a baton, by what each says: peer id and wish."""
    found = sorted((wish.stamp, peer_id, wish.is_held) for peer_id, wish in wishes)
    holders = [peer_id for _, peer_id, is_held in found if is_held]
    waiting = [peer_id for _, peer_id, is_held in found if not is_held]
    return BatonState(holders[-1] if holders else None, (*waiting,))
