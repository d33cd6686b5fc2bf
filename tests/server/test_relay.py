from __future__ import annotations

import json
from typing import Any

import pytest

from pyodide_rtc.server.relay import Client, CloseCode, Limits, RefusedError, Relay


class Inbox:
    """One client of a relay, and what it was sent."""

    def __init__(self, relay: Relay, now_s: float = 0.0) -> None:
        self._relay = relay
        self._frames: list[bytes] = []
        self.client: Client = relay.join(self._frames.append, now_s)

    def say(self, now_s: float = 0.0, **message: Any) -> None:
        self._relay.receive(self.client, json.dumps(message), now_s)

    def take(self) -> list[Any]:
        frames = [json.loads(frame) for frame in self._frames]
        self._frames.clear()
        return frames


@pytest.fixture
def relay() -> Relay:
    return Relay(Limits())


def test_a_publish_goes_to_all_subscribers_and_back_to_its_sender(relay: Relay) -> None:
    alice, bob, eve = Inbox(relay), Inbox(relay), Inbox(relay)
    alice.say(type="subscribe", topics=["room"])
    bob.say(type="subscribe", topics=["room", "another"])
    eve.say(type="subscribe", topics=["another"])
    alice.say(type="publish", topic="room", data={"type": "announce", "from": "a"})
    expected = {
        "type": "publish",
        "topic": "room",
        "data": {"type": "announce", "from": "a"},
        "clients": 2,
    }
    assert alice.take() == [expected]
    assert bob.take() == [expected]
    assert eve.take() == []


def test_a_publisher_need_not_be_subscribed(relay: Relay) -> None:
    alice, bob = Inbox(relay), Inbox(relay)
    bob.say(type="subscribe", topics=["room"])
    alice.say(type="publish", topic="room", data="c2VjcmV0")
    assert [frame["data"] for frame in bob.take()] == ["c2VjcmV0"]
    assert alice.take() == []


def test_a_publish_to_nobody_goes_nowhere(relay: Relay) -> None:
    alice = Inbox(relay)
    alice.say(type="publish", topic="room", data={})
    assert alice.take() == []
    assert relay.topic_count == 0


def test_ping_is_answered_to_its_sender_only(relay: Relay) -> None:
    alice, bob = Inbox(relay), Inbox(relay)
    alice.say(type="ping")
    assert alice.take() == [{"type": "pong"}]
    assert bob.take() == []


def test_subscribing_twice_gives_one_copy(relay: Relay) -> None:
    alice = Inbox(relay)
    alice.say(type="subscribe", topics=["room", "room"])
    alice.say(type="subscribe", topics=["room"])
    alice.say(type="publish", topic="room", data={})
    assert [frame["clients"] for frame in alice.take()] == [1]


def test_after_unsubscribe_nothing_comes(relay: Relay) -> None:
    alice, bob = Inbox(relay), Inbox(relay)
    for client in (alice, bob):
        client.say(type="subscribe", topics=["room"])
    alice.say(type="unsubscribe", topics=["room", "never subscribed"])
    bob.say(type="publish", topic="room", data={})
    assert alice.take() == []
    assert [frame["clients"] for frame in bob.take()] == [1]


def test_topics_without_subscribers_are_forgotten(relay: Relay) -> None:
    alice, bob = Inbox(relay), Inbox(relay)
    alice.say(type="subscribe", topics=["room", "another"])
    bob.say(type="subscribe", topics=["room"])
    assert (relay.client_count, relay.topic_count) == (2, 2)
    alice.say(type="unsubscribe", topics=["another"])
    assert relay.topic_count == 1
    for client in (alice, bob, bob):
        relay.leave(client.client)
    assert (relay.client_count, relay.topic_count) == (0, 0)


def test_text_survives_as_it_was(relay: Relay) -> None:
    alice = Inbox(relay)
    topic, data = "räum/\u2028 \U0001f600", {"from": "\ud800", "token": 1700000000000.123}
    alice.say(type="subscribe", topics=[topic])
    alice.say(type="publish", topic=topic, data=data)
    (frame,) = alice.take()
    assert (frame["topic"], frame["data"]) == (topic, data)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "null",
        "[]",
        '"ping"',
        "{}",
        '{"type": "shout"}',
        '{"type": 1}',
        '{"type": "subscribe", "topics": "room"}',
        '{"type": "subscribe", "topics": [1]}',
        '{"type": "publish", "data": {}}',
        '{"type": "publish", "topic": ["room"], "data": {}}',
        '{"type": "publish", "topic": "room", "data": NaN}',
        '{"type": "publish", "topic": "room", "data": ' + "[" * 30_000 + "]" * 30_000 + "}",
        '{"type": "publish", "topic": "room", "data": ' + "9" * 10_000 + "}",
    ],
    ids=lambda text: text[:60],
)
def test_a_malformed_frame_is_refused_without_quoting_it(relay: Relay, text: str) -> None:
    alice, bob = Inbox(relay), Inbox(relay)
    bob.say(type="subscribe", topics=["room"])
    with pytest.raises(RefusedError) as refused:
        relay.receive(alice.client, text, 0.0)
    assert refused.value.code is CloseCode.INVALID_DATA
    assert refused.value.reason.startswith("malformed message: expected ")
    assert "shout" not in refused.value.reason
    assert bob.take() == []


def test_more_topics_than_allowed_are_refused() -> None:
    relay = Relay(Limits(max_topics=2))
    alice = Inbox(relay)
    alice.say(type="subscribe", topics=["a", "b", "b"])
    alice.say(type="unsubscribe", topics=["a"])
    alice.say(type="subscribe", topics=["c"])
    with pytest.raises(RefusedError, match="too many topics: the limit is 2") as refused:
        alice.say(type="subscribe", topics=["d"])
    assert refused.value.code is CloseCode.POLICY_VIOLATION


def test_a_long_topic_is_refused() -> None:
    relay = Relay(Limits(max_topic_chars=4))
    alice = Inbox(relay)
    alice.say(type="subscribe", topics=["abcd"])
    with pytest.raises(RefusedError, match="topic too long: the limit is 4 characters"):
        alice.say(type="subscribe", topics=["abcde"])


def test_the_rate_allows_bursts_and_recovers_with_time() -> None:
    relay = Relay(Limits(messages_per_s=2, burst_messages=3))
    alice = Inbox(relay, now_s=100.0)
    for now_s in (100.0, 100.0, 100.0, 100.5, 101.0, 200.0, 200.0, 200.0):
        alice.say(now_s, type="ping")
    with pytest.raises(
        RefusedError, match="too many messages: the limit is 2 per second"
    ) as refused:
        alice.say(200.4, type="ping")
    assert refused.value.code is CloseCode.POLICY_VIOLATION
    Inbox(relay, now_s=200.4).say(200.4, type="ping")


def test_what_is_delivered_counts_where_it_is_longer_than_what_came() -> None:
    """Reproduces: a short number of JavaScript's, written out, filled backlogs fourfold."""
    relay = Relay(Limits(bytes_per_s=1000, burst_bytes=2000, max_slowed_s=100))
    reader, sender = Inbox(relay), relay.join(lambda _: None, 0.0)
    reader.say(type="subscribe", topics=["room"])
    frame = json.dumps({"type": "publish", "topic": "room", "data": [0] * 100})
    short = frame.replace("[0", "[1e15").replace(" 0", "1e15")
    wait_s = relay.receive(sender, short, 0.0)
    [delivered] = [json.dumps(one, separators=(",", ":")) for one in reader.take()]
    assert len(delivered) > 2 * len(short)
    assert wait_s == pytest.approx(max(len(delivered) - 2000, 0) / 1000, abs=0.05)


def test_who_sends_too_much_is_read_more_slowly_then_refused() -> None:
    relay = Relay(Limits(bytes_per_s=1000, burst_bytes=2000, max_slowed_s=3))
    client = relay.join(lambda _: None, 100.0)
    ping = '{"type": "ping"}'.ljust(1000)

    def waits_s(*times_s: float) -> list[float]:
        return [relay.receive(client, ping, now_s) for now_s in times_s]

    assert waits_s(100, 100) == [0, 0], "a burst"
    assert waits_s(100, 101, 102) == [1, 1, 1], "as fast as it may"
    assert waits_s(104) == [0], "it has waited"
    assert waits_s(105, 106.5) == [0, 0], "and has been quiet since"
    assert waits_s(106.5, 107.5, 108.5) == [0.5, 0.5, 0.5]
    with pytest.raises(RefusedError, match="too many bytes: the limit is 1000 bytes") as refused:
        waits_s(*[108.5] * 5)
    assert refused.value.code is CloseCode.POLICY_VIOLATION
