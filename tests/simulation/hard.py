"""Plays of a room in bad weather: one seed decides who comes, what breaks, and when.

However it goes on, after a quiet time all documents are equal and every room tells the truth.
Many at once: `python -m tests.simulation.hard --runs 3000`; one: `... --seed 17`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar

from pycrdt import Doc

from pyodide_rtc.errors import ChangesMissingError, PeerError, SignalingError
from pyodide_rtc.room import Room
from pyodide_rtc.testing import MemoryHost, Network, peer_id_of, run_virtual
from pyodide_rtc.testing.memory_peer import MemoryPeer
from pyodide_rtc.wire.messages import Message, SyncStep1, SyncStep2, SyncUpdate

from .background_faults import collected
from .play_helpers import TOPIC, URL, awake, content, edit, gaps, state_vector
from .stock_peer import StockPeer

SECOND_URL = "wss://second.example.org/"
BUSY_S = 25.0
DEAF_S = 1.0
"""So long after a stock peer's connection has opened it may miss what it is told."""
SETTLED_S = 15.0
"""By then those who can meet have met."""
QUIET_S = 75.0
"""Longer than anything that may go on: a stock peer drops a presence after 30 s of silence, which
may begin when ICE gives a path up, after some 30 s."""


@dataclass
class Actor:
    """One who is in the room, until its host dies or it leaves."""

    name: str
    host: MemoryHost
    doc: Doc[Any]
    room: Room | None = None
    page: StockPeer | None = None

    @property
    def peer_id(self) -> str:
        """Its network identity."""
        if self.page is not None:
            return self.page.peer_id
        assert self.room is not None
        return peer_id_of(self.room)

    def leave(self) -> None:
        """Go with a word, if it can still be said."""
        if self.page is not None:
            self.page.leave()
        else:
            assert self.room is not None
            self.room.leave()


@dataclass
class Play:
    """One run.

    What stock peers say of the document may be lost, and what they are told while they hardly
    listen. Other messages to them cannot be: data channels are reliable, and we do not look after
    what a page handles wrongly.

    Args:
        seed: decides everything.
    """

    COMMAND: ClassVar = "python -m tests.simulation.hard"
    seed: int
    log: list[str] = field(default_factory=list)
    bugs: list[dict[str, Any]] = field(default_factory=list)  # exceptions that nobody caught
    actors: dict[str, Actor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        random = self.random = Random(self.seed)
        self.ours = random.randint(1, 5)
        self.stock = random.choice((0, 0, 0, 1, 1, 2)) if self.ours > 1 else 1
        self.urls = [URL, SECOND_URL] if random.random() < 0.4 else [URL]
        self.password = "secret" if not self.stock and random.random() < 0.3 else None
        self.max_delay_s = random.choice((0.01, 0.05, 0.2))
        self.joins_within_s = random.choice((0.0, 0.0, 0.3, 8.0))
        self.faults = random.randint(0, 6)
        self.losses = Random(f"losses {self.seed}")
        self.loss = self.losses.choice((0.0, 0.02, 0.2))

    async def run(self) -> None:
        """Let all happen, wait until it is quiet, and see that all is well.

        Raises:
            AssertionError: it is not.
        """
        self.network = Network(self.seed, max_delay_s=self.max_delay_s)
        asyncio.get_running_loop().set_exception_handler(lambda _, told: self.bugs.append(told))
        with collected() as faults:
            await self._play()
        assert faults == []

    async def _play(self) -> None:
        names = [f"u{i}" for i in range(self.ours)] + [f"s{i}" for i in range(self.stock)]
        troubles = [self._trouble() for _ in range(self.faults)]
        await asyncio.gather(*(self._live(name) for name in names), *troubles)
        self.network.heal()
        for relay in self.network.relays.values():
            relay.start()
        await asyncio.sleep(SETTLED_S)
        # Stock peers are asked after changes: nothing is lost any more after this one.
        edit(next(a.doc for a in self.actors.values()), self.random)
        await asyncio.sleep(QUIET_S)
        assert self.bugs == []
        self._check()
        for actor in self.actors.values():
            actor.leave()

    # What people do.

    def _host(self, name: str) -> MemoryHost:
        """Make the home of one who joins."""
        return self.network.host()

    def _join(self, name: str, update: bytes | None = None) -> None:
        host = self._host(name)
        doc: Doc[Any] = Doc(client_id=self.random.getrandbits(32))
        if update is not None:
            doc.apply_update(update)
        if name.startswith("s"):
            # A stock peer has one server: with two it would hear what we test anyway.
            page = StockPeer(host, URL, TOPIC, host.machine.wall_time_s() * 1000, doc)
            page.awareness.set_local({"user": {"name": name}})
            page.is_lost, page.is_missed = self._is_lost, self._is_missed
            self.actors[name] = Actor(name, host, page.doc, page=page)
            return
        room = host.join(user=name, password=self.password, doc=doc, signaling=self.urls)
        self.actors[name] = Actor(name, host, room.doc, room=room)

    async def _live(self, name: str) -> None:
        await asyncio.sleep(self.random.random() * self.joins_within_s)
        self._tell(f"{name} joins")
        self._join(name)
        loop = asyncio.get_running_loop()
        while loop.time() < BUSY_S:
            if name in self.actors:
                edit(self.actors[name].doc, self.random)
            await asyncio.sleep(self.random.random() * 2)

    # What goes wrong.

    def _is_lost(self, message: Message) -> bool:
        """Whether what a stock peer says is lost, which nothing is in the end.

        Never its question: it asks once in each connection, and says nothing of what it lacks else.
        """
        is_busy = asyncio.get_running_loop().time() < BUSY_S
        may_be = isinstance(message, (SyncStep2, SyncUpdate)) and is_busy
        return may_be and self.losses.random() < self.loss

    def _is_missed(self, message: Message, open_for_s: float) -> bool:
        """Whether a stock peer misses what it is told."""
        may_be = isinstance(message, (SyncStep1, SyncStep2, SyncUpdate)) and open_for_s < DEAF_S
        return may_be and self.losses.random() < self.loss

    async def _trouble(self) -> None:
        await asyncio.sleep(self.random.random() * (BUSY_S - 5))
        kinds = (
            self._stop_relay,
            self._cut_peers,
            self._cut_relays,
            self._cut_both,
            self._kill,
            self._kill,
            self._leave,
            self._fail_path,
            self._close_connection,
        )
        await self.random.choice(kinds)()

    async def _stop_relay(self) -> None:
        url = self.random.choice(self.urls)
        self._tell(f"{url} goes down")
        self.network.relays[url].stop()
        await asyncio.sleep(self.random.random() * 8)
        self._tell(f"{url} is back")
        self.network.relays[url].start()

    async def _cut(self, what: str, *, peers: bool, relays: bool) -> None:
        actors = list(self.actors.values())
        some = set(self.random.sample(range(len(actors)), k=len(actors) // 2))
        ones = [a.host for i, a in enumerate(actors) if i in some]
        others = [a.host for i, a in enumerate(actors) if i not in some]
        self._tell(f"{what} of {sorted(actors[i].name for i in some)} are cut")
        if peers:
            self.network.cut(ones, others)
        if relays:
            self.network.cut(ones, self.urls)
        await asyncio.sleep(self.random.random() ** 2 * 45)
        self._tell("all paths are whole")
        self.network.heal()

    async def _cut_peers(self) -> None:
        await self._cut("paths", peers=True, relays=False)

    async def _cut_relays(self) -> None:
        await self._cut("sockets", peers=False, relays=True)

    async def _cut_both(self) -> None:
        await self._cut("paths and sockets", peers=True, relays=True)

    async def _kill(self) -> None:
        await self._go("dies", lambda actor: self.network.kill(actor.host))

    async def _leave(self) -> None:
        await self._go("leaves", lambda actor: None)

    async def _go(self, word: str, end: Callable[[Actor], None]) -> None:
        if len(self.actors) < 2:
            return  # with the last one its document would be gone
        actor = self.actors.pop(self.random.choice(sorted(self.actors)))
        self._tell(f"{actor.name} {word}")
        end(actor)
        actor.leave()
        await asyncio.sleep(self.random.random() ** 2 * 10)
        back = self.random.choice(("empty", "full", "never"))
        if back == "never":
            return
        self._tell(f"{actor.name} is back, {back}")
        self._join(actor.name, actor.doc.get_update() if back == "full" else None)

    def _some_connection(self) -> MemoryPeer | None:
        peers = [p for a in self.actors.values() for p in a.host.connected if p.is_open]
        return self.random.choice(peers) if peers else None

    async def _fail_path(self) -> None:
        if (peer := self._some_connection()) is not None:
            self._tell("a path fails")
            peer.fail()

    async def _close_connection(self) -> None:
        if (peer := self._some_connection()) is not None:
            self._tell("a connection closes")
            peer.lose()

    def _tell(self, what: str) -> None:
        self.log.append(f"{asyncio.get_running_loop().time():7.2f} {what}")

    # What has to be so in the end.

    def _check(self) -> None:
        actors = list(self.actors.values())
        for actor in actors:
            if actor.room is not None:
                self._check_room(actor, actor.room)
            elif actor.page is not None:
                self._check_page(actor.page)
        for together in self._groups():
            names = {a.name for a in together}
            ours = [a for a in together if a.room is not None]
            equal = ours if _has_died(together) else together
            contents = [content(a.doc) for a in equal]
            assert contents == [contents[0]] * len(equal), f"documents of {names} differ"
            for actor in together:
                if actor.room is not None:
                    seen = awake(actor.room)
                else:
                    assert actor.page is not None
                    states = actor.page.awareness.states.values()
                    seen = {s["user"]["name"] for s in states}
                assert seen == names, f"{actor.name} sees {seen} of {names}"

    def _check_room(self, actor: Actor, room: Room) -> None:
        who, mine = actor.name, actor.peer_id
        others = {
            a.peer_id
            for a in self.actors.values()
            if a is not actor and not (a.page and _waits_in_vain(a.page, mine))
        }
        assert {p.peer_id for p in room.peers} == others, f"{who}: peers"
        assert all(p.is_connected and p.is_synced for p in room.peers), f"{who}: {room.why}"
        assert room.synced is bool(others), f"{who}: synced"
        # What its author had not sent to anybody when it went is missing without losses, too.
        for fault in room.faults:
            expected = (PeerError, SignalingError, ChangesMissingError)
            assert isinstance(fault, expected), f"{who}: {fault!r}"
        is_told = any(isinstance(fault, ChangesMissingError) for fault in room.faults)
        assert is_told or not gaps(actor.doc), f"{who}: a gap is not told"

    def _check_page(self, page: StockPeer) -> None:
        for actor in self.actors.values():
            if actor.room is not None and not _waits_in_vain(page, actor.peer_id):
                assert page.conns[actor.peer_id].is_connected, f"{actor.name} is not connected"

    def _groups(self) -> list[list[Actor]]:
        """Those who can hear each other, by links that our rooms have: stock peers may be deaf."""
        by_id = {a.peer_id: a for a in self.actors.values()}
        groups: list[list[Actor]] = []
        while by_id:
            group = [by_id.pop(next(iter(by_id)))]
            for actor in group:
                linked = [i for i, a in by_id.items() if _are_linked(a, actor)]
                group += map(by_id.pop, linked)
            groups.append(group)
        # Stock peers alone are none of our business.
        return [g for g in groups if any(a.room is not None for a in g)]


def _has_died(together: list[Actor]) -> bool:
    """Whether something is gone that a stock peer lost: its author left before it was missed.

    What follows it is shown by our documents (Yrs 0.28), and waits for ever in those of stock peers
    (Yjs 13.6): nobody can make them equal. The model of a stock peer has Yrs, too.
    """
    missing = [gap for actor in together for gap in gaps(actor.doc).items()]
    known = [state_vector(actor.doc) for actor in together]
    # One is enough: what refers to it is missing as well, though others have that.
    return any(max(sv.get(client, 0) for sv in known) <= clock for client, clock in missing)


def _waits_in_vain(page: StockPeer, peer_id: str) -> bool:
    conn = page.conns.get(peer_id)
    return conn is not None and conn.is_waiting


def _are_linked(one: Actor, other: Actor) -> bool:
    return any(
        a.room is not None and b.peer_id in {p.peer_id for p in a.room.peers}
        for a, b in ((one, other), (other, one))
    )


def play(seed: int, kind: type[Play] = Play) -> None:
    """Run one play.

    Args:
        seed: decides everything.
        kind: the kind of play.

    Raises:
        AssertionError: it did not end well; tells how to replay it.
    """
    one = kind(seed)
    try:
        run_virtual(one.run())
    except Exception as error:
        error.add_note(f"replay: PYTHONPATH=. {kind.COMMAND} --seed {seed}")
        error.add_note("\n".join(one.log))
        raise


def main(kind: type[Play] = Play) -> int:
    """Run many plays of one kind, and tell which failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, help="play this one only")
    parser.add_argument("--start", type=int, default=0, help="the first seed")
    parser.add_argument("--runs", type=int, default=3000, help="how many seeds")
    asked = parser.parse_args()
    if asked.seed is not None:
        play(asked.seed, kind)
        return 0
    failed, began_s = [], time.perf_counter()
    for seed in range(asked.start, asked.start + asked.runs):
        try:
            play(seed, kind)
        except Exception as error:  # whatever it is, it is a failed play
            failed.append(seed)
            sys.stdout.write(f"seed {seed}: {type(error).__name__}: {error}\n")
    took_s = time.perf_counter() - began_s
    sys.stdout.write(f"{asked.runs} plays, {len(failed)} failed: {failed}; {took_s:.0f} s\n")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
