"""Kernels that compute, wait in `input()` or are frozen, among peers who go on."""

from __future__ import annotations

import asyncio

import pytest
from seeds import seeds

from pyodide_rtc.testing import Network, run_virtual

from .play_helpers import TOPIC, URL, awake
from .stock_peer import StockPeer

TOKENS = 1_699_999_999_999.0


def person(name: str) -> dict[str, object]:
    return {"user": {"name": name}}


def shown(stock: StockPeer) -> set[str]:
    """The names that a stock page shows."""
    return {state["user"]["name"] for state in stock.awareness.states.values()}


@pytest.mark.parametrize("seed", seeds(10))
@pytest.mark.parametrize(("is_asleep", "word"), [(False, "busy"), (True, "asleep")])
def test_a_busy_person_stays_and_takes_everything_afterwards(
    seed: int, is_asleep: bool, word: str
) -> None:
    """Reproduces: after 30 s its name was gone, and the others were synced all along."""

    async def play() -> None:
        network = Network(seed=seed)
        host = network.host()
        ada = host.join("demo", signaling=URL, user="Ada")
        bob = network.host().join("demo", signaling=URL, user="Bob")
        await bob.until_synced(10)
        await bob.until(lambda: awake(bob) == {"Ada", "Bob"}, 10)
        host.be_busy(is_asleep=is_asleep)
        await asyncio.sleep(20)
        assert bob.why == f"1 peer is connected and synced (Ada: {word} for 20 s)."
        bob.map("m")["n"] = 1
        await asyncio.sleep(20)
        assert awake(bob) == {"Ada", "Bob"}
        assert not bob.synced
        assert bob.why == f"1 peer is connected, 0 synced: edits wait for Ada ({word} for 40 s)."
        assert repr(bob.peers[0]) == (
            f"<Peer Ada: {word} for 40 s, connected by WebRTC, edits wait for it>"
        )
        ada.map("m")["mine"] = 2
        host.be_free()
        await bob.until_synced(10)
        assert ada.map("m").to_py() == bob.map("m").to_py() == {"n": 1, "mine": 2}
        assert bob.why == ada.why == "1 peer is connected and synced."
        assert bob.faults == ()

    run_virtual(play())


@pytest.mark.parametrize("seed", seeds(10))
def test_in_one_browser_too(seed: int) -> None:
    """There no page speaks for it: it is late with renewing its presence."""

    async def play() -> None:
        network = Network(seed=seed)
        host = network.host(browser="one")
        ada = host.join("demo", signaling=URL, user="Ada")
        bob = network.host(browser="one").join("demo", signaling=URL, user="Bob")
        for room in (ada, bob):
            await room.until_synced(10)
            await room.until(lambda room=room: awake(room) == {"Ada", "Bob"}, 10)
        host.be_busy()
        bob.map("m")["n"] = 1
        await bob.until(lambda: bool(bob.peers[0].busy_s), 25)
        assert not bob.synced
        assert bob.why.startswith("1 peer is connected, 0 synced: edits wait for Ada (busy for ")
        await asyncio.sleep(20)
        assert awake(bob) == {"Ada", "Bob"}
        told: list[str] = []
        ada.observe(lambda event: told.append(event.reason))
        host.be_free()
        await bob.until_synced(10)
        assert ada.map("m").to_py() == {"n": 1}
        await asyncio.sleep(5)
        assert bob.why == ada.why == "1 peer is connected and synced."
        assert "its kernel is busy" not in told, "it was itself"

    run_virtual(play())


@pytest.mark.parametrize("seed", seeds(10))
def test_a_busy_kernel_that_is_killed_is_gone_within_5_s(seed: int) -> None:
    async def play() -> None:
        network = Network(seed=seed)
        host = network.host()
        host.join("demo", signaling=URL, user="Ada")
        bob = network.host().join("demo", signaling=URL, user="Bob")
        await bob.until_synced(10)
        host.be_busy()
        await asyncio.sleep(20)
        assert bob.peers[0].busy_s
        network.kill(host)
        await bob.until(lambda: not bob.peers, 5)

    run_virtual(play())


def test_a_cell_that_computes_for_a_moment_is_not_told() -> None:
    async def play() -> None:
        network = Network()
        host = network.host()
        host.join("demo", signaling=URL, user="Ada")
        bob = network.host().join("demo", signaling=URL, user="Bob")
        await bob.until_synced(10)
        told: list[str] = []
        bob.observe(lambda event: told.append(event.reason))
        host.be_busy()
        await asyncio.sleep(4)
        host.be_free()
        await asyncio.sleep(10)
        assert "its kernel is busy" not in told

    run_virtual(play())


@pytest.mark.parametrize("seed", seeds(10))
def test_a_stock_page_may_forget_a_busy_person_and_nobody_else_does(seed: int) -> None:
    """It drops who is silent for 30 s, as y-protocols says, and tells everybody."""

    async def play() -> None:
        network = Network(seed=seed)
        host = network.host()
        host.join("demo", signaling=URL, user="Ada")
        bob = network.host().join("demo", signaling=URL, user="Bob")
        stock = StockPeer(network.host(), URL, TOPIC, TOKENS)
        stock.awareness.set_local(person("Stock"))
        await asyncio.sleep(10)
        assert awake(bob) == shown(stock) == {"Ada", "Bob", "Stock"}
        host.be_busy()
        await asyncio.sleep(60)
        assert awake(bob) == {"Ada", "Bob", "Stock"}
        assert shown(stock) == {"Bob", "Stock"}
        host.be_free()
        await asyncio.sleep(10)
        assert awake(bob) == shown(stock) == {"Ada", "Bob", "Stock"}
        assert bob.synced, bob.why

    run_virtual(play())
