"""Performs a `SignalingMachine` on a real socket, for all rooms that use this server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from pyodide_rtc.errors import RtcError
from pyodide_rtc.ports import Network, SignalingSocket
from pyodide_rtc.protocol import signaling_machine as proto
from pyodide_rtc.session.timer import DeadlineTimer
from pyodide_rtc.snapshot import Server

logger = logging.getLogger("pyodide_rtc.signaling")


class TopicListener(Protocol):
    """A room, as the server link sees it."""

    def on_server_opened(self, url: str) -> None:
        """The server is there, and the topic subscribed."""

    def on_server_changed(self, url: str) -> None:
        """The server's state is another one, but for `open`, which has its own call."""

    def on_server_fault(self, url: str, error: RtcError) -> None:
        """Something is wrong with the server; it is being dealt with."""

    def on_published(self, url: str, data: object) -> None:
        """A payload of the topic came in."""


class _SocketHandler:
    """Hears one socket; deaf as soon as the link has another."""

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
    """One signaling server.

    Args:
        network: opens the sockets.
        url: the server's address.
        random: gives a random number, at least 0 and below 1.
    """

    def __init__(self, network: Network, url: str, random: Callable[[], float]) -> None:
        self.machine = proto.SignalingMachine(url, random)
        self._network = network
        self._listeners: dict[str, TopicListener] = {}
        self._socket: tuple[SignalingSocket, _SocketHandler] | None = None
        self._probe: asyncio.Task[None] | None = None
        self._timer = DeadlineTimer(self._on_time)
        self._told_state = self.machine.state

    @property
    def snapshot(self) -> Server:
        """How the server is now."""
        machine = self.machine
        return Server(machine.url, machine.state.value, machine.reason, self._retry_in_s)

    @property
    def _retry_in_s(self) -> float | None:
        """In how many seconds the next attempt comes; None if none is waited for."""
        if self.machine.state is not proto.ServerState.WAITING or self.machine.deadline_s is None:
            return None
        return max(self.machine.deadline_s - self.now_s(), 0.0)

    @property
    def is_open(self) -> bool:
        """Whether the server is there."""
        return self.machine.state is proto.ServerState.OPEN

    @property
    def is_idle(self) -> bool:
        """Whether no room uses the server."""
        return not self._listeners

    def now_s(self) -> float:
        """Give the loop's time."""
        return asyncio.get_running_loop().time()

    def subscribe(self, topic: str, listener: TopicListener) -> None:
        """Subscribe a topic; each has one listener, the one that came last."""
        self._listeners[topic] = listener
        self.perform(self.machine.subscribe(topic, self.now_s()))

    def unsubscribe(self, topic: str, listener: TopicListener) -> None:
        """Unsubscribe a topic, unless another listener has taken it over."""
        if self._listeners.get(topic) is listener:
            del self._listeners[topic]
            self.perform(self.machine.unsubscribe(topic))

    def publish(self, topic: str, data: object) -> None:
        """Publish, if the server is there."""
        self.perform(self.machine.publish(topic, data))

    def put_away(self) -> None:
        """Close the socket, and open none until `wake`."""
        self.perform(self.machine.put_away())

    def wake(self) -> None:
        """Look at once how the server is: we were asleep or offline."""
        self.perform(self.machine.wake(self.now_s()))

    def check(self) -> None:
        """Make sure soon that the server is there still."""
        self.perform(self.machine.check(self.now_s()))

    def perform(self, effects: list[proto.SignalingEffect]) -> None:
        """Carry out what the machine wants."""
        for effect in effects:
            self._perform_one(effect)
        self._timer.set(self.machine.deadline_s)
        state = self.machine.state
        if self._told_state is not state:
            self._told_state = state
            if state is proto.ServerState.OPEN:
                return  # told by its own call
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
                self._probe = asyncio.get_running_loop().create_task(self._ask())
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
            case proto.TellFault(error):
                logger.warning("! %s", error)
                for listener in list(self._listeners.values()):
                    listener.on_server_fault(url, error)

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
