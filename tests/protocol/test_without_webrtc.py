"""Browsers that make no peer connections, ours and others', and those that hide their addresses."""

from __future__ import annotations

import pytest

from pyodide_rtc.errors import BrowserUnsupportedError, NegotiationError
from pyodide_rtc.protocol import effects as fx
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.connections.capability import (
    Capability,
    encode_capability,
    lacks_webrtc,
    may_return,
)
from pyodide_rtc.protocol.connections.mesh import LOOK_S, SAY_AGAIN_S
from pyodide_rtc.protocol.connections.negotiation import ANSWER_TIMEOUT_S
from pyodide_rtc.protocol.connections.without_webrtc import (
    MAX_PEERS,
    MAX_SILENCE_S,
    WithoutWebRtc,
)
from pyodide_rtc.protocol.room_machine import RoomMachine
from pyodide_rtc.snapshot import Obstacle
from pyodide_rtc.wire.payload import Announce, Candidate, Leave

from .machine_helpers import (
    ANSWER,
    CANDIDATE,
    ME,
    MY_CLIENT,
    OFFER,
    OTHER,
    PEER,
    PEER_CLIENT,
    URL,
    announce,
    extra,
    link_peer,
    make_room,
    only,
    signal,
)

BLOCKED = ev.WebRtcBlocked("ReferenceError: RTCPeerConnection is not defined")


def unable(peer: str, client_id: int) -> Leave:
    """What a peer says whose browser makes no peer connections."""
    said = encode_capability(Capability(client_id), may_return=True, has_webrtc=False)
    return Leave(peer, said)


def heard(payload: Announce | Leave) -> ev.PayloadReceived:
    return ev.PayloadReceived(URL, payload)


@pytest.fixture
def room() -> RoomMachine:
    return make_room()


def test_what_such_a_peer_says_is_read_again() -> None:
    said = unable(PEER, 7).extra

    assert said == {
        "pyodideRtc": {"version": 1, "client": 7, "mayReturn": True, "webRtc": False},
    }
    assert lacks_webrtc(said)
    assert may_return(said)
    assert not lacks_webrtc(extra(7))
    assert not lacks_webrtc({})


class TestOurs:
    def test_it_is_told_once_with_what_to_do(self, room: RoomMachine) -> None:
        [report] = only(fx.Report, room.handle(BLOCKED, 0.0))

        assert isinstance(report.error, BrowserUnsupportedError)
        assert "RTCPeerConnection is not defined" in str(report.error)
        assert "reload the page" in str(report.error)
        assert room.handle(BLOCKED, 1.0) == []
        assert room.connections.obstacle(1.0) is Obstacle.NO_WEBRTC_HERE

    def test_it_is_said_in_the_place_of_announces(self, room: RoomMachine) -> None:
        room.handle(BLOCKED, 0.0)

        said = fx.PublishPayload(unable(ME, MY_CLIENT), URL)
        assert room.handle(ev.ServerOpened(URL), 1.0) == [said]

    def test_it_is_said_to_who_comes_and_again_in_turn(self, room: RoomMachine) -> None:
        room.handle(BLOCKED, 0.0)
        said = fx.PublishPayload(unable(ME, MY_CLIENT))

        assert room.handle(heard(announce(client_id=PEER_CLIENT)), 5.0) == [said]
        assert room.handle(heard(announce(OTHER)), 5.5) == [], "it has heard it"
        assert room.deadline_s == 6.0
        assert room.handle(ev.TimePassed(), 6.0) == [said]
        assert room.deadline_s == 6.0 + SAY_AGAIN_S
        assert room.handle(ev.TimePassed(), 6.0 + SAY_AGAIN_S) == [said]
        assert room.peers(0.0) == ()

    def test_who_leaves_is_no_news(self, room: RoomMachine) -> None:
        room.handle(BLOCKED, 0.0)

        assert room.handle(heard(Leave(PEER, extra(PEER_CLIENT))), 9.0) == []
        assert room.handle(heard(unable(PEER, PEER_CLIENT)), 9.0) == []

    def test_who_was_being_called_is_forgotten(self, room: RoomMachine) -> None:
        room.handle(heard(announce()), 0.0)

        effects = room.handle(BLOCKED, 0.1)

        assert fx.CloseTransport(1) in effects
        assert room.peers(0.0) == ()

    def test_who_is_linked_stays_so(self, room: RoomMachine) -> None:
        link_peer(room)
        effects = room.handle(BLOCKED, 1.0)

        assert only(fx.CloseTransport, effects) == []
        assert [peer.is_connected for peer in room.peers(0.0)] == [True]
        assert room.handle(ev.PayloadReceived(URL, signal(CANDIDATE)), 2.0) != []

    def test_it_is_over_once_an_offer_is_made(self, room: RoomMachine) -> None:
        room.handle(BLOCKED, 0.0)
        assert room.handle(ev.OfferPrepared(None), 1.0) == []

        [announced] = room.handle(ev.OfferPrepared("v=0"), 2.0)

        assert isinstance(announced, fx.PublishPayload)
        assert isinstance(announced.payload, Announce)
        assert room.connections.obstacle(2.0) is None
        assert room.handle(ev.OfferPrepared("v=0"), 3.0) == []

    def test_what_we_say_ourselves_comes_back_and_counts_for_nothing(
        self, room: RoomMachine
    ) -> None:
        room.handle(BLOCKED, 0.0)
        room.handle(ev.ServerOpened(URL), 0.0)
        room.handle(heard(unable(ME, MY_CLIENT)), 0.1)
        room.handle(ev.OfferPrepared("v=0"), 2.0)

        assert room.connections.obstacle(2.0) is None


class TestTheirs:
    def test_it_is_told_once_and_they_are_called_no_more(self, room: RoomMachine) -> None:
        room.handle(heard(announce(client_id=PEER_CLIENT)), 0.0)

        [report] = only(fx.Report, room.handle(heard(unable(PEER, PEER_CLIENT)), 0.1))

        assert isinstance(report.error, NegotiationError)
        assert report.error.peer_id == PEER
        assert room.peers(0.0) == ()
        assert room.connections.obstacle(0.1) is Obstacle.NO_WEBRTC_THERE
        assert only(fx.Report, room.handle(heard(unable(PEER, PEER_CLIENT)), 30.0)) == []

    @pytest.mark.parametrize("said", [Leave(PEER, extra(PEER_CLIENT)), announce()])
    def test_it_is_over_when_they_leave_or_announce_themselves(
        self, room: RoomMachine, said: Leave | Announce
    ) -> None:
        room.handle(heard(unable(PEER, PEER_CLIENT)), 0.0)
        room.handle(heard(said), 5.0)

        assert room.connections.obstacle(5.0) is None

    def test_who_falls_silent_has_gone(self, room: RoomMachine) -> None:
        room.handle(heard(unable(PEER, PEER_CLIENT)), 0.0)

        assert room.connections.obstacle(MAX_SILENCE_S - 1) is Obstacle.NO_WEBRTC_THERE
        assert room.connections.obstacle(MAX_SILENCE_S) is None

    def test_a_crowd_of_them_is_not_remembered(self) -> None:
        without = WithoutWebRtc()
        for number in range(MAX_PEERS + 1):
            assert without.hear(f"peer {number}", 0.0)

        assert without.hear("peer 0", 0.0), "it was forgotten"
        assert not without.hear(f"peer {MAX_PEERS}", 0.0)


class TestAddresses:
    """Who gives no ICE candidate at all is named if no path is found."""

    def searching(self, room: RoomMachine) -> None:
        """Have called a peer, and have its answer."""
        room.handle(heard(announce()), 0.0)
        room.handle(ev.DescriptionMade(1, "offer", "our offer"), 0.0)
        room.handle(ev.PayloadReceived(URL, signal(ANSWER)), 0.1)

    def failed(self, room: RoomMachine) -> Obstacle | None:
        room.handle(ev.TransportFailed(1, "no path", is_ice=True), 5.0)
        return room.connections.obstacle(5.0)

    def test_nothing_is_in_the_way_at_first(self, room: RoomMachine) -> None:
        self.searching(room)

        assert room.connections.obstacle(1.0) is None

    def test_we_gave_none(self, room: RoomMachine) -> None:
        self.searching(room)
        room.handle(ev.PayloadReceived(URL, signal(CANDIDATE)), 0.2)

        assert self.failed(room) is Obstacle.NO_ADDRESS_HERE

    def test_they_gave_none(self, room: RoomMachine) -> None:
        self.searching(room)
        room.handle(ev.CandidateFound(1, "candidate:1", 0, "0"), 0.2)
        room.handle(ev.PayloadReceived(URL, signal(Candidate("", 0, "0"))), 0.2)

        assert self.failed(room) is Obstacle.NO_ADDRESS_THERE

    def test_both_gave_some(self, room: RoomMachine) -> None:
        self.searching(room)
        room.handle(ev.CandidateFound(1, "candidate:1", 0, "0"), 0.2)
        room.handle(ev.PayloadReceived(URL, signal(CANDIDATE)), 0.2)

        assert self.failed(room) is Obstacle.NO_PATH

    def test_those_in_descriptions_count(self, room: RoomMachine) -> None:
        line = "v=0\r\no=- 7 1 IN IP4 0.0.0.0\r\na=candidate:1\r\n"
        room.handle(heard(announce()), 0.0)
        room.handle(ev.DescriptionMade(1, "offer", line), 0.0)
        answer = type(ANSWER)("answer", line)
        room.handle(ev.PayloadReceived(URL, signal(answer)), 0.1)

        assert self.failed(room) is Obstacle.NO_PATH

    def test_it_stays_after_the_peer_was_given_up(self, room: RoomMachine) -> None:
        self.searching(room)
        room.handle(ev.TransportFailed(1, "no path", is_ice=True), 5.0)
        room.handle(ev.TransportFailed(2, "no path", is_ice=True), 10.0)

        assert room.peers(0.0) == ()
        assert room.connections.obstacle(10.0) is Obstacle.NO_ADDRESS_HERE
        room.handle(ev.PayloadReceived(URL, signal(OFFER)), 11.0)
        assert room.connections.obstacle(11.0) is Obstacle.NO_ADDRESS_HERE, "while it is tried"


def test_who_was_lost_before_it_was_linked_is_looked_for_a_moment(room: RoomMachine) -> None:
    room.handle(heard(announce(client_id=PEER_CLIENT)), 0.0)
    assert not room.mesh.is_looking(0.0)
    room.handle(ev.TimePassed(), ANSWER_TIMEOUT_S)

    assert room.peers(0.0) == ()
    assert room.mesh.is_looking(ANSWER_TIMEOUT_S + LOOK_S - 1)
    assert not room.mesh.is_looking(ANSWER_TIMEOUT_S + LOOK_S)
