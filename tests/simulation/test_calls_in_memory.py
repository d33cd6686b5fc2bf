"""Calls in bad weather: each ends with its result or with a typed error, and leaves nothing behind.

And a peer that floods others with calls is served, and no more.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from random import Random

import pytest
from seeds import seeds

from pyodide_rtc.errors import (
    CallLostError,
    CallTimeoutError,
    NotExposedError,
    PeerLimitError,
    RemoteCallError,
    RoomClosedError,
)
from pyodide_rtc.protocol.call_machine import MAX_OPEN_CALLS
from pyodide_rtc.room import Room
from pyodide_rtc.testing import MemoryHost, Network, run_virtual
from pyodide_rtc.testing.memory_peer import MemoryDataChannel
from pyodide_rtc.wire.call_messages import Answer, AnswerKind, Call, encode_arguments
from pyodide_rtc.wire.messages import encode

from .background_faults import collected
from .play_helpers import URL, Wiretap, make_rooms

BUSY_S = 40.0
SETTLED_S = 60.0


@dataclass
class Person:
    """One who calls the others, and is called."""

    name: str
    host: MemoryHost
    room: Room
    running: int = 0
    is_gone: bool = False


class Play:
    """One run.

    Args:
        seed: decides everything.
    """

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        delay_s, rate = self.random.choice((0.01, 0.2)), self.random.choice((1e5, 1e7))
        self.network = Network(seed, max_delay_s=delay_s, bytes_per_s=rate)
        self.people: list[Person] = []
        self.ends: Counter[str] = Counter()

    async def run(self) -> None:
        """Let all happen, and see that all is well."""
        with collected() as faults:
            for number in range(self.random.randint(2, 4)):
                self._join(f"u{number}")
            calling = [self._work(person) for person in self.people for _ in range(3)]
            troubles = [self._trouble() for _ in range(self.random.randint(0, 4))]
            await asyncio.gather(*calling, *troubles)
            self.network.heal()
            await asyncio.sleep(SETTLED_S)
            here = [person for person in self.people if not person.is_gone]
            for person in self.people:
                assert person.running == 0, f"{person.name} still runs what nobody waits for"
            for one in here:
                for peer in one.room.peers:
                    assert await one.room.call("work", 3, 0, peer=peer) == bytes(3)
            for person in here:
                person.room.leave()
        assert faults == []

    def _join(self, name: str) -> None:
        host = self.network.host(browser=self.random.choice((None, None, "shared")))
        person = Person(name, host, make_rooms(host).join("demo", signaling=URL, user=name))
        self.people.append(person)

        @person.room.expose
        async def work(size: int, wait_s: float) -> bytes:
            person.running += 1
            try:
                await asyncio.sleep(wait_s)
                if size == 6:
                    raise ValueError(str(size))
                return bytes(size)
            finally:
                person.running -= 1

    async def _work(self, person: Person) -> None:
        loop = asyncio.get_running_loop()
        while loop.time() < BUSY_S and not person.is_gone:
            await asyncio.sleep(self.random.random() * 2)
            size = self.random.choice((1, 6, 200_000))
            wait_s = self.random.random() ** 4 * 20
            peers = [peer for peer in person.room.peers if peer.is_connected]
            peer = self.random.choice(peers) if peers else None
            timeout_s = self.random.choice((1.0, 5.0, 60.0))
            began_s = loop.time()
            try:
                result = await person.room.call(
                    "work", size, wait_s, peer=peer and peer.peer_id, timeout_s=timeout_s
                )
                assert result == bytes(size)
                self.ends["result"] += 1
            except RemoteCallError as error:
                assert (error.type_name, error.text, size) == ("ValueError", "6", 6)
            except (CallTimeoutError, CallLostError, NotExposedError) as error:
                self.ends[type(error).__name__] += 1
            except RoomClosedError:
                assert person.is_gone
            assert loop.time() <= began_s + timeout_s + 0.01

    async def _trouble(self) -> None:
        await asyncio.sleep(self.random.random() * BUSY_S * 0.8)
        here = [person for person in self.people if not person.is_gone]
        person = self.random.choice(here)
        match self.random.choice(("cut", "cut", "path", "busy", "leave", "kill")):
            case "cut":
                hosts = [each.host for each in self.people]
                self.network.cut([person.host], [host for host in hosts if host != person.host])
                await asyncio.sleep(self.random.random() ** 2 * 40)
                self.network.heal()
            case "path":
                for peer in person.host.connected:
                    peer.fail()
            case "busy":
                person.host.be_busy()
                await asyncio.sleep(self.random.random() * 12)
                person.host.be_free()
            case "leave" if len(here) > 2:
                person.is_gone = True
                person.room.leave()
            case "kill" if len(here) > 2:
                person.is_gone = True
                self.network.kill(person.host)
                person.room.leave()


@pytest.mark.parametrize("seed", seeds(60))
def test_each_call_ends_as_it_should(seed: int) -> None:
    run_virtual(Play(seed).run())


def test_the_plays_have_all_ends() -> None:
    ends: Counter[str] = Counter()
    for seed in range(4):
        play = Play(seed)
        run_virtual(play.run())
        ends += play.ends
    assert {"result", "CallTimeoutError", "CallLostError"} <= ends.keys()


def channel_of(host: MemoryHost) -> MemoryDataChannel:
    """The data channel of a host that has one peer."""
    [channel] = [c for peer in host.connected for c in peer.channels if c.is_open]
    return channel


def test_a_flood_of_calls_is_bounded_and_others_are_served(monkeypatch: pytest.MonkeyPatch) -> None:
    """The flood is that of a peer of our own kind which keeps to no limit."""

    async def play() -> None:
        network = Network(3, max_delay_s=0.01)
        attacker, victim, other = (network.host() for _ in range(3))
        network.cut([attacker], [other])  # so its only data channel is that to the victim
        mallory, bob, eve = (
            make_rooms(host).join("demo", signaling=URL, user=name)
            for host, name in ((attacker, "Mallory"), (victim, "Bob"), (other, "Eve"))
        )
        running: Counter[str | None] = Counter()
        most: Counter[str | None] = Counter()

        @bob.expose
        async def work(*, caller: object) -> str:
            name = getattr(caller, "name", None)
            running[name] += 1
            most[name] = max(most[name], running[name])
            await asyncio.sleep(5)
            running[name] -= 1
            return "done"

        await bob.until(lambda: sum(p.is_synced for p in bob.peers) == 2, 20)
        await asyncio.sleep(1)
        wiretap = Wiretap(monkeypatch)
        channel = channel_of(attacker)
        arguments = encode_arguments([], {})
        for number in range(2_000):
            channel.send(encode(Call("liar", "liar", number + 1_000, "work", arguments)))
        began_s = asyncio.get_running_loop().time()
        assert await eve.call("work") == "done"
        assert asyncio.get_running_loop().time() < began_s + 6
        await asyncio.sleep(10)
        assert most["Mallory"] <= MAX_OPEN_CALLS
        answers = [m for m in wiretap.sent_to(attacker, Answer) if isinstance(m, Answer)]
        assert len(answers) == 2_000
        assert {a.kind for a in answers} == {AnswerKind.RESULT, AnswerKind.TOO_MANY}
        assert {p.name for p in bob.peers} == {"Mallory", "Eve"}
        assert mallory.faults == ()

    run_virtual(play())


@pytest.mark.parametrize(
    "frame",
    [
        b"\x6a",
        b"\x6a\x01p\x01q\x01\x01f\x03abc",
        b"\x6b\x01p\x01q\x01\x09\x00",
        encode(Call("p", "q", 1, "f", bytes(4 * 1024 * 1024 + 1))),
        b"\x6d\x01p\x01\x01\x01b\x02\x00\x00",
        b"\x69\x01p\xff\xff\x03",
    ],
    ids=["cut", "no arguments", "a strange kind", "5 MB", "a stamp above the clock", "many names"],
)
def test_who_says_nonsense_is_refused_and_nobody_else_is_hurt(frame: bytes) -> None:
    async def play() -> None:
        network = Network(3, max_delay_s=0.01, max_message_bytes=1 << 23)
        attacker, victim, other = (network.host() for _ in range(3))
        network.cut([attacker], [other])
        _, bob, eve = (
            make_rooms(host).join("demo", signaling=URL, user=name)
            for host, name in ((attacker, "Mallory"), (victim, "Bob"), (other, "Eve"))
        )
        bob.expose(len)
        bob.expose(len, name="f")
        await bob.until(lambda: sum(p.is_synced for p in bob.peers) == 2, 20)
        await asyncio.sleep(1)
        channel_of(attacker).send(frame)
        await bob.until(lambda: len(bob.peers) == 1, 5)
        assert len(bob.faults) == 1
        assert not isinstance(bob.faults[0], PeerLimitError)
        assert await eve.call("len", "four") == 4
        async with eve.baton("run", timeout_s=5):
            pass

    run_virtual(play())
