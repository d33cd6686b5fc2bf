"""A recorded session of two stock y-webrtc peers, with our machine in the place of each.

A was there first and offers; B is the newcomer. What the other one sent is played to our machine,
and what it answers is compared with what the stock peer in its place sent.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Array, Doc, Map, Text

from pyodide_rtc.protocol import effects as fx
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.connections.mesh import Mesh
from pyodide_rtc.protocol.room_machine import RoomMachine
from pyodide_rtc.wire.messages import SyncStep1, SyncStep2, SyncUpdate, decode, encode
from pyodide_rtc.wire.payload import (
    Announce,
    Candidate,
    Description,
    SignalMessage,
    decode_payload,
    encode_payload,
)

from .machine_helpers import LIMIT, OF_A_BROWSER, URL, entries_in, frames, only

VECTORS = Path(__file__).parents[1] / "vectors"
CLIENT_A, CLIENT_B = 305419896, 2271560481


@dataclass(frozen=True)
class Recording:
    """What both sent, each thing once, in order."""

    peer_a: str
    peer_b: str
    signals: list[SignalMessage]
    frames: list[bytes]

    @property
    def step1_frames(self) -> tuple[bytes, bytes]:
        """The questions of A, which has something, and of B, which has nothing."""
        b, a = sorted((f for f in self.frames if f[:2] == b"\0\0"), key=len)
        return a, b

    @property
    def step2_frames(self) -> tuple[bytes, bytes]:
        """The answers of A and of B."""
        b, a = sorted((f for f in self.frames if f[:2] == b"\0\1"), key=len)
        return a, b

    def signals_of(self, peer_id: str) -> list[SignalMessage]:
        return [s for s in self.signals if s.sender == peer_id]


@pytest.fixture(params=["session-nopassword", "session-password"])
def recording(request: pytest.FixtureRequest) -> Recording:
    vectors = json.loads((VECTORS / f"{request.param}.json").read_text("utf-8"))
    payloads = [_payload(f) for f in vectors["signaling"] if f["dir"] == "s2c"]
    announces = [p for p in payloads if isinstance(p, Announce)]
    return Recording(
        announces[0].sender,
        announces[1].sender,
        [p for p in payloads if isinstance(p, SignalMessage)],
        [bytes.fromhex(f["hex"]) for f in vectors["channel"]],
    )


def _payload(frame: dict[str, Any]) -> Announce | SignalMessage:
    return decode_payload(frame.get("payload") or json.loads(frame["text"])["data"])


def our_room(peer_id: str, client_id: int) -> RoomMachine:
    tokens = count(1)
    return RoomMachine(Mesh(peer_id, client_id, 20, lambda: float(next(tokens)), OF_A_BROWSER))


def publish_like(room: RoomMachine, stock: SignalMessage) -> SignalMessage:
    """Let our browser make what the stock peer's browser made, and take what goes out."""
    match stock.signal:
        case Description(kind, sdp):
            event: ev.Event = ev.DescriptionMade(1, kind, sdp)
        case Candidate(candidate, index, mid):
            event = ev.CandidateFound(1, candidate, index, mid)
    [effect] = only(fx.PublishPayload, room.handle(event, 0.0))
    assert isinstance(effect.payload, SignalMessage)
    return effect.payload


def assert_same_but_for_token_and_kind(ours: SignalMessage, stock: SignalMessage) -> None:
    assert ours.extra, "ours says more, which a stock peer ignores"
    stripped = replace(ours, token=stock.token, extra={})
    assert json.dumps(encode_payload(stripped)) == json.dumps(encode_payload(stock))


def test_in_the_place_of_the_newcomer(recording: Recording) -> None:
    room = our_room(recording.peer_b, CLIENT_B)
    [announce] = only(fx.PublishPayload, room.handle(ev.ServerOpened(URL), 0.0))
    assert announce.payload.sender == recording.peer_b

    played = [
        e
        for signal in recording.signals_of(recording.peer_a)
        for e in room.handle(ev.PayloadReceived(URL, signal), 0.0)
    ]

    assert [type(e) for e in played] == [
        fx.OpenTransport,
        fx.AcceptDescription,
        fx.SearchChanged,
        *[fx.AddCandidate] * (len(recording.signals_of(recording.peer_a)) - 1),
    ]
    assert only(fx.OpenTransport, played) == [
        fx.OpenTransport(1, is_initiator=False, is_own_kind=False)
    ]
    answered = recording.signals_of(recording.peer_b)
    assert len(answered) > 1
    for stock in answered:
        assert_same_but_for_token_and_kind(publish_like(room, stock), stock)


def test_in_the_place_of_the_first(recording: Recording) -> None:
    room = our_room(recording.peer_a, CLIENT_A)

    assert room.handle(ev.PayloadReceived(URL, Announce(recording.peer_b)), 0.0) == [
        fx.OpenTransport(1, is_initiator=True, is_own_kind=False),
        fx.SearchChanged(),
    ]
    offered = recording.signals_of(recording.peer_a)
    assert len(offered) > 1
    for stock in offered:
        assert_same_but_for_token_and_kind(publish_like(room, stock), stock)
    played = [
        e
        for signal in recording.signals_of(recording.peer_b)
        for e in room.handle(ev.PayloadReceived(URL, signal), 0.0)
    ]
    assert [type(e) for e in played] == [
        fx.AcceptDescription,
        *[fx.AddCandidate] * (len(recording.signals_of(recording.peer_b)) - 1),
    ]


def linked(recording: Recording, *, as_first: bool) -> RoomMachine:
    """Our machine at the moment when the data channel opened."""
    if as_first:
        room = our_room(recording.peer_a, CLIENT_A)
        room.handle(ev.PayloadReceived(URL, Announce(recording.peer_b)), 0.0)
        answer = recording.signals_of(recording.peer_b)[0]
        room.handle(ev.PayloadReceived(URL, answer), 0.0)
    else:
        room = our_room(recording.peer_b, CLIENT_B)
        offer = recording.signals_of(recording.peer_a)[0]
        room.handle(ev.PayloadReceived(URL, offer), 0.0)
    side: ev.ChannelSide = "local" if as_first else "remote"
    room.handle(ev.LocalStateSet(ev.MAIN, {}), 0.0)
    assert only(fx.AskState, room.handle(ev.ChannelOpened(1, side, LIMIT), 0.0))
    return room


def sent(effects: Iterable[object]) -> list[bytes]:
    return [e.data for e in only(fx.SendFrame, effects)]


@pytest.mark.parametrize("as_first", [True, False], ids=["first", "newcomer"])
def test_the_greeting_is_that_of_a_stock_peer(recording: Recording, as_first: bool) -> None:
    room = linked(recording, as_first=as_first)
    stock_step1 = recording.step1_frames[0 if as_first else 1]
    step1 = decode(stock_step1, max_bytes=LIMIT)
    assert isinstance(step1, SyncStep1)

    greeting = room.handle(ev.StateVectorRead(ev.MAIN, 1, step1.state_vector), 0.0)

    assert sent(greeting)[0] == stock_step1
    [ours] = entries_in(frames(greeting, 1))
    stock = entries_in([decode(f, max_bytes=LIMIT) for f in recording.frames])
    # Not byte for byte: the clock of our first state is above that of y-protocols, which is 0.
    assert (ours.client_id, ours.state) in [(e.client_id, e.state) for e in stock]


def test_what_the_other_asks_is_answered_byte_for_byte(recording: Recording) -> None:
    doc: Doc[Any] = Doc(client_id=CLIENT_A)
    step2 = decode(recording.step2_frames[0], max_bytes=LIMIT)
    assert isinstance(step2, SyncStep2)
    doc.apply_update(step2.update)
    room = linked(recording, as_first=True)

    [asked] = room.handle(ev.FrameReceived(1, recording.step1_frames[1]), 0.0)
    assert isinstance(asked, fx.AskDiff)
    answer = room.handle(ev.DiffRead(ev.MAIN, 1, doc.get_update(asked.state_vector)), 0.0)

    assert sent(answer) == [recording.step2_frames[0]]


def test_a_newcomer_with_nothing_answers_byte_for_byte(recording: Recording) -> None:
    doc: Doc[Any] = Doc(client_id=CLIENT_B)
    room = linked(recording, as_first=False)

    [asked] = room.handle(ev.FrameReceived(1, recording.step1_frames[0]), 0.0)
    assert isinstance(asked, fx.AskDiff)
    answer = room.handle(ev.DiffRead(ev.MAIN, 1, doc.get_update(asked.state_vector)), 0.0)

    assert sent(answer) == [recording.step2_frames[1]]


def test_all_that_was_said_makes_the_document_and_the_presence(recording: Recording) -> None:
    doc: Doc[Any] = Doc(client_id=7)
    room = our_room("somebody", 7)
    room.handle(ev.PayloadReceived(URL, Announce(recording.peer_a)), 0.0)
    room.handle(ev.ChannelOpened(1, "local", LIMIT), 0.0)

    for frame in recording.frames:
        effects = room.handle(ev.FrameReceived(1, frame), 0.0)
        assert only(fx.Report, effects) == []
        for effect in only(fx.ApplyUpdate, effects):
            doc.apply_update(effect.update)

    # As the two stock peers had it in the end, both edits of one place included.
    assert doc.get("map", type=Map).to_py() == {
        "num": 43.0,
        "nested": {"a": 1.0, "list": ["x", "y"]},
        "race": "B",
    }
    assert str(doc.get("text", type=Text)) == "baello wörld 🌍"
    assert len(doc.get("array", type=Array)) == 19
    assert room.main.presence.awareness.states == {
        CLIENT_A: {"user": {"name": "Ålice", "color": "#f00"}}
    }


def test_each_update_goes_out_as_the_stock_peer_sent_it(recording: Recording) -> None:
    room = linked(recording, as_first=True)
    updates = [
        (frame, message.update)
        for frame in recording.frames
        if isinstance(message := decode(frame, max_bytes=LIMIT), SyncUpdate)
    ]
    assert len(updates) > 10

    for frame, update in updates:
        assert sent(room.handle(ev.DocumentChanged(ev.MAIN, update, None), 0.0)) == [frame]
        assert encode(SyncUpdate(update)) == frame
