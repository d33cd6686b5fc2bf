"""What keeps people apart although they are in one room: each cause has one steady sentence."""

from __future__ import annotations

import asyncio
import re

import pytest

from pyodide_rtc.causes import Cause
from pyodide_rtc.errors import (
    BrowserUnsupportedError,
    IceFailedError,
    NegotiationError,
    SignalingUnavailableError,
    SyncTimeoutError,
)
from pyodide_rtc.protocol.connections.without_webrtc import MAX_SILENCE_S
from pyodide_rtc.room import Room
from pyodide_rtc.room_status import RoomEvent
from pyodide_rtc.testing import MemoryHost, Network, run_virtual

from .play_helpers import URL

BLOCKED = "ReferenceError: RTCPeerConnection is not defined"


class Watch:
    """What a room says in the course of time, and what it reports."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.said: list[str] = []
        self.told: list[RoomEvent] = []
        room.observe(self.told.append)

    async def for_s(self, seconds: float) -> None:
        """Watch for a while; what was said before is forgotten."""
        self.said.clear()
        for _ in range(round(seconds * 10)):
            await asyncio.sleep(0.1)
            if not self.said or self.said[-1] != self.room.why:
                self.said.append(self.room.why)

    def faults(self) -> list[type]:
        """The faults that were reported, as many times as they were."""
        return [type(event.error) for event in self.told if event.kind == "fault"]


def join(host: MemoryHost) -> Watch:
    return Watch(host.join())


def together(*causes: Cause) -> str:
    return " ".join(
        cause.value.format(connected="1 peer is", synced=1, servers="") for cause in causes
    )


class TestNoWebRtc:
    def test_both_sides_say_so_and_stay_with_it(self) -> None:
        async def main() -> None:
            network = Network()
            hosts = [network.host(), network.host()]
            hosts[0].network.blocked = BLOCKED
            blocked, healthy = [join(host) for host in hosts]
            await asyncio.sleep(2)
            for each in (blocked, healthy):
                await each.for_s(600)

            assert blocked.said == [Cause.NO_WEBRTC_HERE.value]
            assert healthy.said == [Cause.NO_WEBRTC_THERE.value]
            assert blocked.faults() == [BrowserUnsupportedError]
            assert BLOCKED in str(blocked.room.faults[0])
            assert healthy.faults() == [NegotiationError]
            assert blocked.room.peers == healthy.room.peers == ()
            assert len(hosts[0].peers) == 1, "one attempt, and no more"
            with pytest.raises(SyncTimeoutError, match=re.escape(Cause.NO_WEBRTC_HERE.value)):
                await blocked.room.until_synced(1)

        run_virtual(main())

    def test_it_goes_when_they_go(self) -> None:
        async def main() -> None:
            for goes in ("by leaving", "by dying"):
                network = Network()
                hosts = [network.host(), network.host()]
                hosts[0].network.blocked = BLOCKED
                blocked, healthy = [join(host) for host in hosts]
                await asyncio.sleep(5)
                assert healthy.room.why == Cause.NO_WEBRTC_THERE.value
                if goes == "by leaving":
                    blocked.room.leave()
                    await asyncio.sleep(1)
                else:
                    network.kill(hosts[0])
                    await asyncio.sleep(MAX_SILENCE_S)
                assert healthy.room.why == Cause.ALONE.value

        run_virtual(main())

    def test_tabs_of_the_same_browser_go_on(self) -> None:
        async def main() -> None:
            network = Network()
            hosts = [network.host(browser="b"), network.host(browser="b"), network.host()]
            for host in hosts[:2]:
                host.network.blocked = BLOCKED
            one, other, far = [join(host) for host in hosts]
            await asyncio.gather(one.room.until_synced(10), other.room.until_synced(10))
            one.room.map("m")["x"] = 1
            await asyncio.sleep(5)

            assert other.room.map("m").to_py() == {"x": 1}
            assert one.room.why == together(Cause.TOGETHER, Cause.NO_WEBRTC_HERE)
            assert far.room.why == Cause.NO_WEBRTC_THERE.value

        run_virtual(main())

    def test_others_go_on_among_themselves(self) -> None:
        async def main() -> None:
            network = Network()
            hosts = [network.host() for _ in range(3)]
            hosts[0].network.blocked = BLOCKED
            _blocked, *healthy = [join(host) for host in hosts]
            await asyncio.gather(*(each.room.until_synced(10) for each in healthy))
            await asyncio.sleep(5)

            for each in healthy:
                assert each.room.why == together(Cause.TOGETHER, Cause.NO_WEBRTC_THERE)

        run_virtual(main())

    def test_a_page_that_makes_connections_when_it_wakes_is_linked(self) -> None:
        async def main() -> None:
            network = Network()
            hosts = [network.host(), network.host()]
            hosts[0].network.blocked = BLOCKED
            one, other = [join(host) for host in hosts]
            await asyncio.sleep(5)
            hosts[0].wake()
            await asyncio.sleep(5)
            assert one.room.why == Cause.NO_WEBRTC_HERE.value
            assert one.faults() == [BrowserUnsupportedError]
            hosts[0].network.blocked = ""
            hosts[0].wake()
            await asyncio.sleep(5)

            assert one.room.why == other.room.why == together(Cause.TOGETHER)

        run_virtual(main())


class TestNoAddress:
    def test_where_both_hide_theirs_both_say_so_and_stay_with_it(self) -> None:
        async def main() -> None:
            network = Network()
            hosts = [network.host(), network.host()]
            for host in hosts:
                host.network.hides_addresses = True
            watches = [join(host) for host in hosts]
            await asyncio.gather(*(each.for_s(40) for each in watches))
            for each in watches:
                assert each.said[-2:] == [Cause.CONNECTING.value, Cause.NO_ADDRESS_HERE.value]
            await asyncio.gather(*(each.for_s(300) for each in watches))
            for each in watches:
                assert each.said == [Cause.NO_ADDRESS_HERE.value]
                assert {type(fault) for fault in each.room.faults} <= {IceFailedError}
            assert any(each.room.faults for each in watches)

        run_virtual(main())

    def test_who_hides_them_alone_is_named_on_both_sides(self) -> None:
        async def main() -> None:
            network = Network()
            hosts = [network.host(), network.host()]
            hosts[0].network.hides_addresses = True
            network.cut(hosts[:1], hosts[1:])
            watches = [join(host) for host in hosts]
            await asyncio.sleep(60)
            await asyncio.gather(*(each.for_s(120) for each in watches))

            assert watches[0].said == [Cause.NO_ADDRESS_HERE.value]
            assert watches[1].said == [Cause.NO_ADDRESS_THERE.value]

        run_virtual(main())


class TestServers:
    def test_while_the_first_attempt_goes_on_it_is_said(self) -> None:
        async def main() -> None:
            network = Network(max_delay_s=1.0)
            one = join(network.host())
            await one.for_s(5)

            assert one.said[-2:] == [Cause.TRYING_SERVER.value, Cause.ALONE.value]
            assert one.faults() == []

        run_virtual(main())

    @pytest.mark.parametrize("cause", [Cause.NO_SERVER, Cause.SOCKETS_REFUSED])
    def test_a_server_that_is_not_reached_is_told_once(self, cause: Cause) -> None:
        async def main() -> None:
            network = Network(max_delay_s=1.0)
            relay = network.relays[URL]
            if cause is Cause.NO_SERVER:
                relay.stop()
            else:
                relay.lets_sockets_in = False
            one = join(network.host())
            await one.for_s(60)

            [sentence] = {said for said in one.said if said.startswith(cause.value)}
            assert one.said[-2:] == [Cause.TRYING_SERVER.value, sentence]
            assert URL in sentence
            assert one.faults() == [SignalingUnavailableError]
            assert one.room.faults.count(one.room.faults[0]) > 5, "each attempt counts"
            assert len([e for e in one.told if e.kind == "server-changed"]) == 1

        run_virtual(main())

    def test_with_tabs_of_the_same_browser_both_are_said(self) -> None:
        async def main() -> None:
            network = Network()
            network.relays[URL].stop()
            one, other = [join(network.host(browser="b")) for _ in range(2)]
            await asyncio.sleep(5)
            for each in (one, other):
                await each.for_s(60)
                expected = together(Cause.TOGETHER, Cause.ONLY_TABS, Cause.NO_SERVER)
                [said] = each.said
                assert said.startswith(expected)
                assert each.faults() == [SignalingUnavailableError]

        run_virtual(main())
