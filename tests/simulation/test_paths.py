"""Network paths that are cut, lost and found again."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from seeds import seeds

from pyodide_rtc.errors import IceFailedError
from pyodide_rtc.protocol.connections.negotiation import CONNECT_TIMEOUT_S
from pyodide_rtc.protocol.connections.unreached import MAX_UNREACHED_S
from pyodide_rtc.room import Room
from pyodide_rtc.testing import MemoryHost, Network, run_virtual

from .play_helpers import URL


async def linked(seed: int = 0) -> tuple[Network, list[MemoryHost], list[Room]]:
    network = Network(seed)
    hosts = [network.host(), network.host()]
    rooms = [host.join(user=f"u{i}") for i, host in enumerate(hosts)]
    await asyncio.gather(*(room.until_synced(10) for room in rooms))
    return network, hosts, rooms


async def seconds_until(is_so: Callable[[], bool], at_most_s: float) -> float:
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    while not is_so():
        assert loop.time() < began_s + at_most_s, "it takes too long"
        await asyncio.sleep(0.05)
    return loop.time() - began_s


def test_a_path_that_fails_is_found_again_under_the_same_connection() -> None:
    async def main() -> None:
        _, [host, other], [one, two] = await linked()
        [peer] = host.connected
        peer.fail()
        assert not one.peers[0].is_connected
        one.map("m")["x"] = 1

        await seconds_until(lambda: one.synced and two.map("m").get("x") == 1, 2.0)

        assert host.connected == [peer]
        assert len(other.connected) == 1
        assert one.faults == two.faults == ()

    run_virtual(main())


def test_two_that_both_lose_the_path_find_it_again_under_the_same_connection() -> None:
    async def main() -> None:
        _, hosts, rooms = await linked()
        ends = [host.connected[0] for host in hosts]
        for end in ends:
            end.fail()

        await seconds_until(lambda: all(room.synced for room in rooms), 2.0)

        assert [host.connected[0] for host in hosts] == ends
        assert all(room.faults == () for room in rooms)

    run_virtual(main())


def test_our_own_kind_is_missed_within_five_seconds() -> None:
    async def main() -> None:
        for seed in seeds(10):
            network, [_, other], [one, _two] = await linked(seed)
            network.kill(other)

            await seconds_until(lambda room=one: room.peers == (), 5.0)  # type: ignore[misc]

    run_virtual(main())


def test_what_is_edited_on_both_sides_of_a_cut_meets_when_it_is_healed() -> None:
    async def main() -> None:
        for cut_s in (1.0, 6.0, 12.0, 40.0):
            network, [host, other], [one, two] = await linked()
            network.cut([host], [other])
            one.map("m")["one"] = cut_s
            two.map("m")["two"] = cut_s
            await asyncio.sleep(cut_s)
            network.heal()

            both = {"one": cut_s, "two": cut_s}
            await seconds_until(
                lambda one=one, two=two, both=both: (  # type: ignore[misc]
                    one.synced
                    and two.synced
                    and one.map("m").to_py() == two.map("m").to_py() == both
                ),
                30.0,
            )

    run_virtual(main())


def test_where_there_is_no_path_at_all_it_is_told_with_what_to_do() -> None:
    async def main() -> None:
        network = Network()
        hosts = [network.host(), network.host()]
        network.cut(hosts[:1], hosts[1:])
        rooms = [host.join() for host in hosts]

        def is_told() -> bool:
            return any(isinstance(f, IceFailedError) for room in rooms for f in room.faults)

        assert await seconds_until(is_told, 60.0) > 25.0, "not before all is tried"
        assert not any(room.synced for room in rooms)
        network.heal()
        await seconds_until(lambda: all(room.synced for room in rooms), 60.0)

    run_virtual(main())


@pytest.mark.parametrize("goes", ["by leaving", "by dying"])
def test_that_there_is_no_path_is_not_told_of_somebody_who_has_gone(goes: str) -> None:
    async def main() -> None:
        network = Network()
        hosts = [network.host(), network.host()]
        network.cut(hosts[:1], hosts[1:])
        room, other = [host.join() for host in hosts]
        await seconds_until(lambda: room.ice_failure is not None, 60.0)
        for _ in range(300):
            await asyncio.sleep(1)
            assert "no network path" in room.why, "as long as it is here"
        if goes == "by dying":
            network.kill(hosts[1])
        else:
            other.leave()
        await asyncio.sleep(CONNECT_TIMEOUT_S + MAX_UNREACHED_S)

        assert room.peers == ()
        assert room.ice_failure is None
        assert room.why.startswith("You are alone")

    run_virtual(main())


def test_a_kernel_that_dies_while_it_is_called_is_no_fault() -> None:
    async def main() -> None:
        network = Network()
        one = network.host().join()
        await asyncio.sleep(1)
        host = network.host()
        other = host.join()
        await seconds_until(lambda: bool(one.peers), 2.0)
        network.kill(host)
        other.leave()

        await seconds_until(lambda: not one.peers, 25.0)

        assert one.faults == ()

    run_virtual(main())


def test_signals_that_an_outage_swallowed_go_again() -> None:
    async def main() -> None:
        for stop_s in (0.1, 0.15, 0.2, 0.25, 0.3):
            network = Network(max_delay_s=0.1)
            rooms = [network.host().join() for _ in range(2)]
            await asyncio.sleep(stop_s)
            network.relays[URL].stop()
            await asyncio.sleep(0.5)
            network.relays[URL].start()

            await seconds_until(lambda rooms=rooms: all(r.synced for r in rooms), 8.0)  # type: ignore[misc]

    run_virtual(main())


@pytest.mark.parametrize("seed", seeds(20))
def test_two_whose_announces_waited_for_the_network_do_not_wait_for_each_other(seed: int) -> None:
    # Each hears the other's announce late, has nobody, and answers the offer in it.
    async def main() -> None:
        network, [host, other], rooms = await linked(seed)
        network.cut([host], [other, URL])
        await seconds_until(lambda: not any(room.peers for room in rooms), 15.0)
        network.heal()

        await seconds_until(lambda: all(room.synced for room in rooms), 5.0)

    run_virtual(main())
