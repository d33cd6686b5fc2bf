"""One signaling server: subscribe, keep alive, reconnect.

Source: y-webrtc's `SignalingConn` on lib0's websocket client (wire.md section 1). One socket serves
all rooms of a kernel.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from pyodide_rtc.errors import (
    RemoteProtocolError,
    RtcError,
    SignalingClosedError,
    SignalingError,
    SignalingUnavailableError,
)
from pyodide_rtc.protocol.deadlines import has_passed
from pyodide_rtc.snapshot import SOCKETS_REFUSED
from pyodide_rtc.wire import signaling_frames as wire

PING_INTERVAL_S = 15.0
"""From the opening, and from each pong, to the next ping."""

SILENCE_TIMEOUT_S = 30.0
"""A server that sends nothing for so long counts as dead."""

CONNECT_TIMEOUT_S = 8.0
"""A socket that neither opens nor fails for so long is given up. While the network is away, TCP
asks after 0, 1, 3, 7 and 15 s. So once it is back, a new socket connects sooner than an old one."""

CHECK_PATIENCE_S = 3.0
"""How long a server may take to answer a ping when we suspect that the connection is dead."""

FRESH_S = 1.0
"""`wake` keeps an attempt to connect that began less than this ago."""

_FIRST_DELAY_S = 0.3
_MOST_STEPS = (
    100  # by then all that grows has long been cut; beyond any power no float would hold it
)

MAX_FRAME_CHARS = 131_072
"""The longest frame that a server may send. A frame with an SDP has about 2,000 characters. One of
a machine with very many addresses, encrypted, has some ten thousand."""


def reconnect_delay_s(failures: int, jitter: float = 0.0) -> float:
    """Return the wait before the next attempt: 0.3 s after the first failure, 50 % more each time.

    So after the end of an outage we wait for a fraction of its length, at most 2.5 s, as y-webrtc
    does.

    Args:
        failures: how many attempts in a row have failed, at least 1.
        jitter: from 0 to 1; takes up to a half off, so that not all clients of a server that comes
            back connect at once.
    """
    return _grown_s(failures, growth=1.5, longest_s=2.5) * (1 - jitter / 2)


def refused_delay_s(failures: int, jitter: float = 0.0) -> float:
    """Return the wait before the next attempt at a server that lets no WebSocket pass.

    It is 0.3 s after the first failure, twice as long each time, at most 10 s: such a server
    mostly stays as it is. But it may be a gateway whose server is away and comes back.

    Args:
        failures: how many sockets in a row have failed, at least 1.
        jitter: as in `reconnect_delay_s`.
    """
    return _grown_s(failures, growth=2.0, longest_s=10.0) * (1 - jitter / 2)


def socket_pause_s(failures: int) -> float:
    """Return how long no socket is opened without a probe: 0.3 s, doubled by each failure, to 75 s.

    Until then an attempt asks by HTTP first (`Probe`). After failures browsers delay new sockets,
    but no requests. Measured with attempts 0.3 s apart: Chromium delays sockets to every server, by
    1 s after 13 failures and by 1 to 5 s from the 15th on, for minutes or until one opens. Firefox
    delays those to the failed server, by half as much again each time: by 17 s after 11 failures,
    at most by a minute.

    Args:
        failures: how many sockets in a row have failed, at least 1.
    """
    return _grown_s(failures, growth=2.0, longest_s=75.0)


def _grown_s(failures: int, *, growth: float, longest_s: float) -> float:
    return min(_FIRST_DELAY_S * growth ** min(failures - 1, _MOST_STEPS), longest_s)


class ServerState(enum.Enum):
    """The state of the connection to a server."""

    CONNECTING = "connecting"
    OPEN = "open"
    WAITING = "waiting"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class OpenSocket:
    """Open a new socket to the server."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Ask by HTTP whether anything answers at the server's address; feed `on_probed` the answer."""


@dataclass(frozen=True, slots=True)
class CloseSocket:
    """Close the socket and cancel the probe; report nothing more of them."""


@dataclass(frozen=True, slots=True)
class SendText:
    """Send a text frame."""

    text: str


@dataclass(frozen=True, slots=True)
class Deliver:
    """Hand a published payload to the room of the topic."""

    topic: str
    data: object


@dataclass(frozen=True, slots=True)
class TellOpened:
    """Tell the rooms of these topics that the server is open and their topic subscribed."""

    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TellFault:
    """Tell all rooms what is wrong with the server; the machine recovers by itself.

    Args:
        error: what is wrong.
        is_news: whether it is anything else than what was told last of the same outage.
    """

    error: RtcError
    is_news: bool = True


SignalingEffect: TypeAlias = (
    OpenSocket | Probe | CloseSocket | SendText | Deliver | TellOpened | TellFault
)


@dataclass(slots=True)
class SignalingMachine:
    """The connection to one signaling server.

    Args:
        url: its address, `ws:` or `wss:`.
        random: returns a number from 0 to 1.
    """

    url: str
    random: Callable[[], float]
    state: ServerState = ServerState.CLOSED
    reason: str = ""
    failures: int = 0
    deadline_s: float | None = None
    _topics: list[str] = field(default_factory=list)
    _heard_s: float = 0.0
    _attempted_s: float = 0.0
    _is_probing: bool = False
    _has_answered: bool = False  # by HTTP, in this attempt
    _socket_failures: int = 0
    _socket_due_s: float = 0.0
    _is_pong_due: bool = False
    _patience_s: float = SILENCE_TIMEOUT_S

    @property
    def topics(self) -> tuple[str, ...]:
        """The topics that our rooms want."""
        return tuple(self._topics)

    def subscribe(self, topic: str, now_s: float) -> list[SignalingEffect]:
        """Subscribe to a topic; the first one opens the socket.

        For a topic that is subscribed already, the room is only told that the server is open. This
        happens when a room is left and joined again at once: the new session takes the topic over.
        """
        if topic in self._topics:
            return [TellOpened((topic,))] if self.state is ServerState.OPEN else []
        self._topics.append(topic)
        if self.state is ServerState.CLOSED:
            return self._connect(now_s)
        if self.state is ServerState.OPEN:
            return [SendText(wire.encode_subscribe([topic])), TellOpened((topic,))]
        return []

    def unsubscribe(self, topic: str) -> list[SignalingEffect]:
        """Unsubscribe from a topic; the last one closes the socket."""
        self._topics.remove(topic)
        if not self._topics:
            self.state, self.deadline_s = ServerState.CLOSED, None
            self.failures = self._socket_failures = 0
            return [CloseSocket()]
        if self.state is ServerState.OPEN:
            return [SendText(wire.encode_unsubscribe([topic]))]
        return []

    def publish(self, topic: str, data: object) -> list[SignalingEffect]:
        """Publish if the server is open; when one opens later, the room announces itself anew.

        Args:
            topic: the room's.
            data: any JSON value.
        """
        if self.state is not ServerState.OPEN:
            return []
        return [SendText(wire.encode_publish(topic, data))]

    def put_away(self) -> list[SignalingEffect]:
        """Close the socket, and open none until `wake`."""
        if self.state is ServerState.CLOSED:
            return []
        self.state, self.reason, self.deadline_s = ServerState.WAITING, "the page is put away", None
        return [CloseSocket()]

    def wake(self, now_s: float) -> list[SignalingEffect]:
        """Connect or check the server at once: we were asleep, offline or put away."""
        if self.state is ServerState.WAITING:
            return self._connect(now_s)
        if self.state is ServerState.CONNECTING and now_s >= self._attempted_s + FRESH_S:
            return [CloseSocket(), *self._connect(now_s)]
        return self.check(now_s)

    def check(self, now_s: float) -> list[SignalingEffect]:
        """Ping an open server: a peer was lost, and perhaps it is our own network that failed."""
        if self.state is not ServerState.OPEN:
            return []
        self._heard_s, self._patience_s, self._is_pong_due = now_s, CHECK_PATIENCE_S, True
        self.deadline_s = now_s + CHECK_PATIENCE_S
        return [SendText(wire.encode_ping())]

    def on_open(self, now_s: float) -> list[SignalingEffect]:
        """The socket is open: subscribe to all topics at once."""
        self.state, self.reason, self.failures = ServerState.OPEN, "", 0
        self._socket_failures = 0
        self._heard_s, self._patience_s = now_s, SILENCE_TIMEOUT_S
        self._is_pong_due = False
        self.deadline_s = now_s + PING_INTERVAL_S
        return [SendText(wire.encode_subscribe(self._topics)), TellOpened(self.topics)]

    def on_text(self, text: str, now_s: float) -> list[SignalingEffect]:
        """A frame came: deliver it. One that makes no sense is reported and ignored."""
        self._heard_s, self._patience_s = now_s, SILENCE_TIMEOUT_S
        try:
            frame = wire.decode_server_frame(text, max_chars=MAX_FRAME_CHARS)
        except RemoteProtocolError as error:
            fault = SignalingError(self.url, f"a frame that makes no sense: {error}")
            fault.__cause__ = error
            return [TellFault(fault)]
        if isinstance(frame, wire.Publish):
            return [Deliver(frame.topic, frame.data)] if frame.topic in self._topics else []
        self._is_pong_due = False
        self.deadline_s = now_s + PING_INTERVAL_S
        return []

    def on_probed(self, answers: bool, now_s: float) -> list[SignalingEffect]:
        """The probe is done: open a socket if something answered."""
        if not answers:
            return self._fail("nothing answers at its address", now_s)
        self._has_answered = True
        return self._open_socket(now_s)

    def on_close(self, reason: str, now_s: float) -> list[SignalingEffect]:
        """The socket has closed, or could not be opened: find out why, and try again after a while.

        Args:
            reason: why, as far as the browser says; mostly it says nothing, and this is empty.
            now_s: the time.
        """
        was_open = self.state is ServerState.OPEN
        self._count_socket(now_s)
        if was_open or reason:
            return self._fail(reason or "the connection was lost", now_s)
        if self._has_answered:
            return self._fail(SOCKETS_REFUSED, now_s)
        return self._probe(now_s)

    def on_time(self, now_s: float) -> list[SignalingEffect]:
        """The deadline has come: reconnect, ping, or give a silent server up."""
        if not has_passed(self.deadline_s, now_s):
            return []
        if self.state is ServerState.WAITING:
            return self._try_again(now_s)
        if self.state is ServerState.CONNECTING:
            if not self._is_probing:
                self._count_socket(now_s)
            return [CloseSocket(), *self._fail("no answer", now_s)]
        silent_s = self._heard_s + self._patience_s
        if self._is_pong_due and now_s >= silent_s:
            return [CloseSocket(), *self.on_close(f"silent for {self._patience_s:g} s", now_s)]
        if self._is_pong_due:
            self.deadline_s = silent_s
            return []
        self._is_pong_due = True
        self.deadline_s = max(self._heard_s + SILENCE_TIMEOUT_S, now_s + PING_INTERVAL_S)
        return [SendText(wire.encode_ping())]

    def _connect(self, now_s: float) -> list[SignalingEffect]:
        self._has_answered = False
        return self._open_socket(now_s)

    def _try_again(self, now_s: float) -> list[SignalingEffect]:
        """Begin another attempt: by a probe, where a socket would fail or be held back."""
        self._has_answered = False
        is_socket_due = now_s >= self._socket_due_s and self.reason != SOCKETS_REFUSED
        return self._open_socket(now_s) if is_socket_due else self._probe(now_s)

    def _count_socket(self, now_s: float) -> None:
        self._socket_failures += 1
        self._socket_due_s = now_s + socket_pause_s(self._socket_failures)

    def _fail(self, reason: str, now_s: float) -> list[SignalingEffect]:
        """End an attempt, or a connection: wait, and tell why."""
        kind = SignalingClosedError if self.state is ServerState.OPEN else SignalingUnavailableError
        is_news = reason != self.reason
        self.failures += 1
        self.state, self.reason = ServerState.WAITING, reason
        is_refused = reason == SOCKETS_REFUSED
        self.deadline_s = now_s + (
            refused_delay_s(self._socket_failures, self.random())
            if is_refused
            else reconnect_delay_s(self.failures, self.random())
        )
        return [TellFault(kind(self.url, reason, self.failures), is_news)]

    def _open_socket(self, now_s: float) -> list[SignalingEffect]:
        self._begin_step(now_s, is_probe=False)
        return [OpenSocket()]

    def _probe(self, now_s: float) -> list[SignalingEffect]:
        self._begin_step(now_s, is_probe=True)
        return [Probe()]

    def _begin_step(self, now_s: float, *, is_probe: bool) -> None:
        self.state, self._is_probing = ServerState.CONNECTING, is_probe
        self._attempted_s, self.deadline_s = now_s, now_s + CONNECT_TIMEOUT_S
