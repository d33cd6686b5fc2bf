"""y-webrtc's signaling protocol: who is subscribed to which topic, and what each client may do.

Owns the topics and the limits of one client. Knows no socket, no clock and no task: frames come in
as text with the time, and go out as utf-8 by the `deliver` function of each client.

Source: y-webrtc bin/server.js (c411f1d).
"""

from __future__ import annotations

__all__ = ["Client", "CloseCode", "Limits", "RefusedError", "Relay"]

from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

from pyodide_rtc.errors import DecodeError, MessageTooBigError, RemoteProtocolError
from pyodide_rtc.wire.signaling_frames import (
    ClientFrame,
    Ping,
    Publish,
    Subscribe,
    Unsubscribe,
    decode_client_frame,
    encode_pong,
    encode_publish,
)

if TYPE_CHECKING:
    from collections.abc import Callable


class CloseCode(IntEnum):
    """Why a WebSocket is closed (RFC 6455, section 7.4.1)."""

    NORMAL = 1000
    GOING_AWAY = 1001
    UNSUPPORTED_DATA = 1003
    INVALID_DATA = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009


class RefusedError(RemoteProtocolError):
    """A client broke a limit or the protocol: its connection is closed.

    Args:
        code: the close code.
        reason: what it did, for its developer; it quotes nothing of what the client sent.
    """

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may do before its connection is closed.

    The defaults leave honest clients far below: an SDP is 1 to 3 kB, and a newcomer in a room of
    20 answers 20 offers with some 10 candidates each, several rooms at a time.

    Args:
        max_frame_bytes: size of one frame.
        max_topics: topics that it is subscribed to at a time.
        max_topic_chars: length of a topic.
        messages_per_s: frames per second in the long run.
        burst_messages: frames that may come at once after a quiet time.
        bytes_per_s: bytes per second in the long run; a client that sends more is read more slowly.
        burst_bytes: bytes that may come at once after a quiet time. It is well below
            `max_backlog_bytes`: so one client's burst closes no other client that reads slowly.
        max_slowed_s: how long it may be read more slowly, without a quiet time between.
        max_backlog_bytes: bytes that may wait for a client that reads too slowly.
    """

    max_frame_bytes: int = 64 * 1024
    max_topics: int = 256
    max_topic_chars: int = 1024
    messages_per_s: float = 100.0
    burst_messages: int = 1000
    bytes_per_s: float = 64.0 * 1024
    burst_bytes: int = 512 * 1024
    max_slowed_s: float = 5.0
    max_backlog_bytes: int = 1024 * 1024


@dataclass(eq=False, slots=True)
class Client:
    """One connected client, as the relay sees it; made by ``Relay.join``.

    Args:
        number: counts the clients of this server, from 1; names the client in the log.
        deliver: sends one frame to the client; neither blocks nor raises.
        allowance: messages that it may send at once.
        bytes_allowance: bytes that it may send at once; below 0 while it is read more slowly.
        counted_at_s: when the allowances were last brought up to date.
        slowed_s: for how long it has been read more slowly.
        topics: the topics that it is subscribed to.
    """

    number: int
    deliver: Callable[[bytes], None]
    allowance: float
    bytes_allowance: float
    counted_at_s: float
    slowed_s: float = 0.0
    topics: set[str] = field(default_factory=set)


class Relay:
    """The topics of one server and their subscribers."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._subscribers: dict[str, set[Client]] = {}
        self._clients: set[Client] = set()
        self._joined = 0

    @property
    def client_count(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    @property
    def topic_count(self) -> int:
        """How many topics have a subscriber."""
        return len(self._subscribers)

    def join(self, deliver: Callable[[bytes], None], now_s: float) -> Client:
        """Add a new client."""
        self._joined += 1
        limits = self._limits
        client = Client(self._joined, deliver, limits.burst_messages, limits.burst_bytes, now_s)
        self._clients.add(client)
        return client

    def leave(self, client: Client) -> None:
        """Forget a client; twice is no error."""
        self._clients.discard(client)
        for topic in tuple(client.topics):
            self._unsubscribe(client, topic)

    def receive(self, client: Client, text: str, now_s: float) -> float:
        """Act on one frame of a client.

        Returns:
            for how many seconds nothing more should be read from it, as it sends too much.

        Raises:
            RefusedError: the client broke a limit or the protocol. No other client notices.
        """
        size_bytes = len(text.encode())
        wait_s = self._count(client, size_bytes, now_s)
        match self._decode(text):
            case Subscribe(topics=topics):
                for topic in topics:
                    self._subscribe(client, topic)
            case Unsubscribe(topics=topics):
                for topic in topics:
                    self._unsubscribe(client, topic)
            case Publish(topic=topic, data=data):
                sent = self._publish(topic, data)
                wait_s = self._charge(client, sent - size_bytes)  # JSON may be longer than it came
            case Ping():
                client.deliver(encode_pong().encode())
        return wait_s

    def _count(self, client: Client, size_bytes: int, now_s: float) -> float:
        limits, passed_s = self._limits, now_s - client.counted_at_s
        client.counted_at_s = now_s
        earned = client.allowance + passed_s * limits.messages_per_s
        client.allowance = min(limits.burst_messages, earned) - 1
        if client.allowance < 0:
            limit = f"the limit is {limits.messages_per_s:g} per second"
            raise RefusedError(CloseCode.POLICY_VIOLATION, f"too many messages: {limit}")
        earned = min(limits.burst_bytes, client.bytes_allowance + passed_s * limits.bytes_per_s)
        if earned >= limits.burst_bytes / 2:
            client.slowed_s = 0.0
        client.bytes_allowance = earned
        return self._charge(client, size_bytes)

    def _charge(self, client: Client, size_bytes: int) -> float:
        """Take bytes from a client's allowance; return for how many seconds not to read from it."""
        limits = self._limits
        before_s = max(-client.bytes_allowance, 0.0) / limits.bytes_per_s
        client.bytes_allowance -= max(size_bytes, 0)
        wait_s = max(-client.bytes_allowance, 0.0) / limits.bytes_per_s
        client.slowed_s += wait_s - before_s
        if client.slowed_s > limits.max_slowed_s:
            limit = f"the limit is {limits.bytes_per_s:g} bytes per second"
            raise RefusedError(CloseCode.POLICY_VIOLATION, f"too many bytes: {limit}")
        return wait_s

    def _decode(self, text: str) -> ClientFrame:
        try:
            return decode_client_frame(text, max_chars=self._limits.max_frame_bytes)
        except MessageTooBigError as exc:
            raise RefusedError(CloseCode.MESSAGE_TOO_BIG, str(exc)) from exc
        except DecodeError as exc:
            # Not str(exc): it quotes the frame, and frames are kept out of the log.
            reason = f"malformed message: expected {exc.expected} at offset {exc.offset}"
            raise RefusedError(CloseCode.INVALID_DATA, reason) from exc

    def _subscribe(self, client: Client, topic: str) -> None:
        if len(topic) > self._limits.max_topic_chars:
            limit = f"the limit is {self._limits.max_topic_chars} characters"
            raise RefusedError(CloseCode.POLICY_VIOLATION, f"topic too long: {limit}")
        client.topics.add(topic)
        self._subscribers.setdefault(topic, set()).add(client)
        if len(client.topics) > self._limits.max_topics:
            limit = f"the limit is {self._limits.max_topics}"
            raise RefusedError(CloseCode.POLICY_VIOLATION, f"too many topics: {limit}")

    def _unsubscribe(self, client: Client, topic: str) -> None:
        if topic not in client.topics:
            return
        client.topics.remove(topic)
        subscribers = self._subscribers[topic]
        subscribers.remove(client)
        if not subscribers:
            del self._subscribers[topic]

    def _publish(self, topic: str, data: object) -> int:
        """Send to all subscribers; return how many bytes each one got."""
        subscribers = self._subscribers.get(topic)
        if not subscribers:
            return 0
        frame = encode_publish(topic, data, clients=len(subscribers)).encode()
        for subscriber in subscribers:
            subscriber.deliver(frame)
        return len(frame)
