"""Performs a `SignalingMachine` on a socket, for all rooms that use this signaling server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from pyodide_rtc import background
from pyodide_rtc.errors import RtcError
from pyodide_rtc.ports import Network, SignalingSocket
from pyodide_rtc.protocol import signaling_machine as proto
from pyodide_rtc.session.timer import DeadlineTimer
from pyodide_rtc.snapshot import Server

logger = logging.getLogger("pyodide_rtc.signaling")


class TopicListener(Protocol):
    """What a room offers to its signaling connections."""

    def on_server_opened(self, url: str) -> None:
        """The connection to the server is open, and the topic is subscribed."""

    def on_server_changed(self, url: str) -> None:
        """The server is another way than open, which has its own call, or fails in another way.

        Attempts that fail in the way of the last one are no change.
        """

    def on_server_fault(self, url: str, error: RtcError, *, is_news: bool) -> None:
        """Something is wrong with the server; the connection recovers by itself.

        Args:
            url: the server's address.
            error: what is wrong.
            is_news: whether it is anything else than what was told last of the same outage.
        """

    def on_published(self, url: str, data: object) -> None:
        """A payload of the topic came in."""


class _SocketHandler:
    """The handler of one socket; it passes nothing on once it is detached."""

    def __init__(self, link: SignalingConnection) -> None:
        self._link: SignalingConnection | None = link

    def detach(self) -> None:
        self._link = None

    def on_open(self) -> None:
        if self._link is not None:
            self._link.perform(self._link.machine.on_open(self._link.now_s()))

    def on_text(self, text: str) -> None:
        if self._link is not None:
            self._link.perform(self._link.machine.on_text(text, self._link.now_s()))

    def on_close(self, reason: str) -> None:
        if self._link is not None:
            self._link.perform(self._link.machine.on_close(reason, self._link.now_s()))


class SignalingConnection:
    """The connection to one signaling server.

    Args:
        network: opens the sockets.
        url: the server's address.
        random: returns a random number, at least 0 and below 1.
    """

    def __init__(self, network: Network, url: str, random: Callable[[], float]) -> None:
        self.machine = proto.SignalingMachine(url, random)
        self._network = network
        self._listeners: dict[str, TopicListener] = {}
        self._socket: tuple[SignalingSocket, _SocketHandler] | None = None
        self._probe: asyncio.Task[None] | None = None
        self._timer = DeadlineTimer(self._on_time)
        self._told = self._state_to_tell

    @property
    def snapshot(self) -> Server:
        """How the server is now."""
        machine = self.machine
        return Server(machine.url, machine.state.value, machine.reason, self._retry_in_s)

    @property
    def _retry_in_s(self) -> float | None:
        """In how many seconds the next attempt comes; None if no attempt is due."""
        if self.machine.state is not proto.ServerState.WAITING or self.machine.deadline_s is None:
            return None
        return max(self.machine.deadline_s - self.now_s(), 0.0)

    @property
    def is_open(self) -> bool:
        """Whether the connection is open."""
        return self.machine.state is proto.ServerState.OPEN

    @property
    def is_idle(self) -> bool:
        """Whether no room uses the server."""
        return not self._listeners

    @property
    def _state_to_tell(self) -> tuple[proto.ServerState | None, str]:
        """How the server is, for rooms: while attempts fail in one way, it is always the same."""
        reason = self.machine.reason
        return (None if reason else self.machine.state), reason

    def now_s(self) -> float:
        """Return the loop's time in seconds."""
        return asyncio.get_running_loop().time()

    def subscribe(self, topic: str, listener: TopicListener) -> None:
        """Subscribe to a topic. Each topic has one listener: a later one replaces it."""
        self._listeners[topic] = listener
        self.perform(self.machine.subscribe(topic, self.now_s()))

    def unsubscribe(self, topic: str, listener: TopicListener) -> None:
        """Unsubscribe from a topic, unless another listener has taken it over."""
        if self._listeners.get(topic) is listener:
            del self._listeners[topic]
            self.perform(self.machine.unsubscribe(topic))

    def publish(self, topic: str, data: object) -> None:
        """Publish on a topic if the connection is open."""
        self.perform(self.machine.publish(topic, data))

    def put_away(self) -> None:
        """Close the socket, and open none until `wake`."""
        self.perform(self.machine.put_away())

    def wake(self) -> None:
        """Connect or check the server at once: we were put away, asleep or offline."""
        self.perform(self.machine.wake(self.now_s()))

    def check(self) -> None:
        """Ask the server for a sign of life."""
        self.perform(self.machine.check(self.now_s()))

    def perform(self, effects: list[proto.SignalingEffect]) -> None:
        """Perform effects of the machine."""
        for effect in effects:
            self._perform_one(effect)
        self._timer.set(self.machine.deadline_s)
        if self._told != self._state_to_tell:
            self._told = self._state_to_tell
            if self.is_open:
                return  # reported by `on_server_opened`
            for listener in list(self._listeners.values()):
                listener.on_server_changed(self.machine.url)

    def _perform_one(self, effect: proto.SignalingEffect) -> None:
        match effect:
            case proto.SendText(text):
                if self._socket is not None:
                    self._socket[0].send(text)
            case proto.OpenSocket():
                self._close_socket()
                handler = _SocketHandler(self)
                self._socket = (self._network.open_socket(self.machine.url, handler), handler)
            case proto.Probe():
                self._probe = background.begin(self._ask())
            case proto.CloseSocket():
                if self._probe is not None:
                    self._probe.cancel()
                self._close_socket()
            case proto.Deliver() | proto.TellOpened() | proto.TellFault():
                self._tell(effect)

    def _tell(self, effect: proto.Deliver | proto.TellOpened | proto.TellFault) -> None:
        url = self.machine.url
        match effect:
            case proto.Deliver(topic, data):
                self._listeners[topic].on_published(url, data)
            case proto.TellOpened(topics):
                logger.info("= open: %s", url)
                for topic in topics:
                    self._listeners[topic].on_server_opened(url)
            case proto.TellFault(error, is_news):
                logger.log(logging.WARNING if is_news else logging.DEBUG, "! %s", error)
                for listener in list(self._listeners.values()):
                    listener.on_server_fault(url, error, is_news=is_news)

    def _close_socket(self) -> None:
        if self._socket is not None:
            socket, handler = self._socket
            self._socket = None
            handler.detach()
            socket.close()

    async def _ask(self) -> None:
        answers = await self._network.answers_http(self.machine.url)
        self.perform(self.machine.on_probed(answers, self.now_s()))

    def _on_time(self) -> None:
        self.perform(self.machine.on_time(self.now_s()))
