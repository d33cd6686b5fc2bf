from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyodide_rtc.errors import DecodeError, LocalProtocolError, MessageTooBigError
from pyodide_rtc.wire.signaling_frames import (
    ClientFrame,
    Ping,
    Pong,
    Publish,
    Subscribe,
    Unsubscribe,
    decode_client_frame,
    decode_payload,
    decode_server_frame,
    encode_payload,
    encode_ping,
    encode_pong,
    encode_publish,
    encode_subscribe,
    encode_unsubscribe,
)

from .wire_helpers import (
    LIMIT,
    SESSIONS,
    anything_in_json,
    damaged_text,
    load_vectors,
    quick,
    raises_only_wire_errors,
    texts,
)

topic_lists = st.lists(texts, max_size=4).map(tuple)
frames = st.one_of(
    st.builds(encode_subscribe, topic_lists),
    st.builds(encode_unsubscribe, topic_lists),
    st.builds(encode_publish, texts, anything_in_json),
    st.just(encode_ping()),
    st.just(encode_pong()),
)


def golden_frames(direction: str) -> list[Any]:
    found = [
        f["text"]
        for name in SESSIONS
        for f in load_vectors(name)["signaling"]
        if f["dir"] == direction
    ]
    return [
        pytest.param(text, id=f"{json.loads(text)['type']}-{i}") for i, text in enumerate(found)
    ]


def encode_again(frame: ClientFrame) -> str:
    match frame:
        case Subscribe(topics):
            return encode_subscribe(topics)
        case Publish(topic, data, clients):
            return encode_publish(topic, data, clients=clients)
    raise ValueError(frame)


@pytest.mark.parametrize("text", golden_frames("c2s"))
def test_as_a_client_of_y_webrtc_sent_it(text: str) -> None:
    assert encode_again(decode_client_frame(text, max_chars=len(text))) == text


@pytest.mark.parametrize("text", golden_frames("s2c"))
def test_as_the_server_of_y_webrtc_sent_it(text: str) -> None:
    frame = decode_server_frame(text, max_chars=len(text))
    assert isinstance(frame, Publish)
    assert frame.clients is not None
    assert encode_publish(frame.topic, frame.data, clients=frame.clients) == text


def test_from_payload_to_frame_and_back() -> None:
    text = next(param.values[0] for param in golden_frames("c2s") if '"offer"' in param.values[0])
    frame = decode_client_frame(text, max_chars=LIMIT)
    assert isinstance(frame, Publish)
    assert encode_publish(frame.topic, encode_payload(decode_payload(frame.data))) == text


@quick
@given(topic_lists)
def test_topics_round_trip(topics: tuple[str, ...]) -> None:
    subscribe, unsubscribe = encode_subscribe(topics), encode_unsubscribe(topics)
    assert decode_client_frame(subscribe, max_chars=LIMIT) == Subscribe(topics)
    assert decode_client_frame(unsubscribe, max_chars=LIMIT) == Unsubscribe(topics)


@quick
@given(texts, anything_in_json, st.none() | st.integers(0, 1000))
def test_publish_round_trip(topic: str, data: object, clients: int | None) -> None:
    text = encode_publish(topic, data, clients=clients)
    # json joins surrogates that stand side by side, as JavaScript does
    expected = Publish(topic, json.loads(json.dumps(data)), clients)
    assert decode_server_frame(text, max_chars=LIMIT) == expected
    assert decode_client_frame(text, max_chars=LIMIT) == expected


def test_ping_and_pong() -> None:
    assert encode_ping() == '{"type":"ping"}'
    assert encode_pong() == '{"type":"pong"}'
    assert decode_client_frame(encode_ping(), max_chars=LIMIT) == Ping()
    assert decode_server_frame(encode_pong(), max_chars=LIMIT) == Pong()


def test_what_is_not_json_is_not_published() -> None:
    with pytest.raises(LocalProtocolError, match="is not JSON"):
        encode_publish("topic", float("nan"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"ping"',
        "{}",
        '{"type":null}',
        '{"type":["ping"]}',
        '{"type":"subscribe"}',
        '{"type":"subscribe","topics":"room"}',
        '{"type":"unsubscribe","topics":{"0":"room"}}',
        '{"type":"subscribe","topics":["room",1]}',
        '{"type":"publish","topic":"room"}',
        '{"type":"publish","data":{}}',
        '{"type":"publish","topic":5,"data":{}}',
        '{"type":"publish","topic":"room","data":{},"clients":"2"}',
        '{"type":"publish","topic":"room","data":{},"clients":true}',
    ],
)
def test_not_a_frame(text: str) -> None:
    for decode in (decode_client_frame, decode_server_frame):
        with pytest.raises(DecodeError):
            decode(text, max_chars=LIMIT)


def test_each_side_has_its_own_frames() -> None:
    with pytest.raises(DecodeError, match="got b'pong'"):
        decode_client_frame(encode_pong(), max_chars=LIMIT)
    with pytest.raises(DecodeError, match="got b'ping'"):
        decode_server_frame(encode_ping(), max_chars=LIMIT)


def test_limit() -> None:
    for decode, text in (
        (decode_client_frame, encode_ping()),
        (decode_server_frame, encode_pong()),
    ):
        assert decode(text, max_chars=len(text))
        with pytest.raises(MessageTooBigError):
            decode(text, max_chars=len(text) - 1)


@quick
@given(st.text(max_size=40) | anything_in_json.map(json.dumps) | damaged_text(frames))
def test_any_input_raises_only_wire_errors(text: str) -> None:
    raises_only_wire_errors(lambda: decode_client_frame(text, max_chars=200))
    raises_only_wire_errors(lambda: decode_server_frame(text, max_chars=200))
