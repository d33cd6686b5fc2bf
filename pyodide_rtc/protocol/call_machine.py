"""Calls between kernels: what each has exposed, and which calls are open.

A call goes to one peer of our own kind, by the link to it. Nothing of it is kept: it is answered,
withdrawn, or lost with its peer. This module knows no function, only names.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias, assert_never

from pyodide_rtc.errors import PeerLimitError, RemoteProtocolError
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.effects import (
    CallAnswered,
    CallCame,
    CallLost,
    CallStopped,
    Effect,
    PeerExposed,
    Report,
)
from pyodide_rtc.protocol.link import Link, TabsLink, Ways
from pyodide_rtc.wire.call_messages import (
    NOTHING,
    Answer,
    AnswerKind,
    Call,
    CancelCall,
    Exposed,
    decode_arguments,
    decode_value,
)
from pyodide_rtc.wire.messages import encode

MAX_OPEN_CALLS = 32
"""So many calls of one peer may run here at a time: more are answered that they are too many. A
kernel of our own kind does not send more, but lets them wait at home."""

MAX_KNOWN_PEERS = 1_000
"""Of so many peers we remember what they tell. Only tabs can name others than themselves."""

Effects: TypeAlias = list[Effect]


@dataclass(slots=True)
class CallMachine:
    """The calls of one room.

    Args:
        peer_id: our own network identity.
        ways: tells how each peer is reached.
    """

    peer_id: str
    ways: Ways
    _names: tuple[str, ...] | None = None
    """What we have exposed; None as long as we never have exposed anything."""
    _others: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _asked: dict[int, str] = field(default_factory=dict)
    """Our open calls: whom each has called."""
    _running: dict[tuple[str, int], bool] = field(default_factory=dict)
    """What runs here, by caller and number: whether the caller still waits."""

    @property
    def elsewhere(self) -> dict[str, tuple[str, ...]]:
        """What each peer has exposed that can be reached now, by peer id."""
        ways = self.ways()
        return {peer_id: names for peer_id, names in self._others.items() if peer_id in ways}

    def handle(self, event: ev.CallEvent) -> Effects:
        """Handle what the user does, and what the functions do that were called."""
        match event:
            case ev.NamesExposed(names):
                if not names and self._names is None:
                    return []
                self._names = names
                return self._say({id(way): way for way in self.ways().values()}.values())
            case ev.CallAsked(number, peer_id, name, arguments):
                way = self.ways().get(peer_id)
                if way is None:
                    return [CallLost(number)]
                self._asked[number] = peer_id
                return [*way.send(encode(Call(self.peer_id, peer_id, number, name, arguments)))]
            case ev.CallWithdrawn(number):
                called = self._asked.pop(number, None)
                if called is None:
                    return []
                return self._send(called, CancelCall(self.peer_id, called, number))
            case ev.CallDone(peer_id, number, kind, content):
                is_awaited = self._running.pop((peer_id, number))
                return self._answer(peer_id, number, kind, content) if is_awaited else []
            case _:
                assert_never(event)

    # Links and peers.

    def open_link(self, link: Link) -> Effects:
        """Tell the other end of a link what we have exposed, if we ever have."""
        return [] if self._names is None else self._say([link])

    def leave_peer(self, peer_id: str) -> Effects:
        """A peer can no longer be reached: its calls stop, and those that it has to answer end."""
        if peer_id not in self.ways():  # else another link has taken its place
            self._others.pop(peer_id, None)
        lost = [number for number, called in self._asked.items() if called == peer_id]
        for number in lost:
            del self._asked[number]
        running = [key for key, is_awaited in self._running.items() if is_awaited]
        stopped = [key for key in running if key[0] == peer_id]
        for key in stopped:
            self._running[key] = False
        return [*map(CallLost, lost), *(CallStopped(*key) for key in stopped)]

    # Messages.

    def hear(
        self, link: Link, sender: str, message: Exposed | Call | Answer | CancelCall
    ) -> Effects:
        """Handle a message.

        Args:
            link: the link by which it came.
            sender: whose it is: in the tab channel as the message says.
            message: the message.

        Raises:
            RemoteProtocolError: it makes no sense.
        """
        if sender == self.peer_id:
            return []
        if isinstance(message, Exposed):
            return self._hear_exposed(sender, message.names)
        if message.to != self.peer_id and isinstance(link, TabsLink):
            return []
        match message:
            case Call():
                return self._hear_call(sender, message)
            case Answer(_, _, number, kind, content):
                if self._asked.get(number) != sender:
                    return []  # it crossed with our withdrawal
                answer = CallAnswered(number, kind, decode_value(content))
                del self._asked[number]
                return [answer]
            case CancelCall(_, _, number):
                key = sender, number
                if not self._running.get(key):
                    return []  # it crossed with our answer
                self._running[key] = False
                return [CallStopped(*key)]
            case _:
                assert_never(message)

    def _hear_exposed(self, sender: str, names: tuple[str, ...]) -> Effects:
        if sender not in self._others and len(self._others) >= MAX_KNOWN_PEERS:
            known = len(self._others)
            error = PeerLimitError("peers with functions", known + 1, MAX_KNOWN_PEERS, sender)
            return [Report(error)]
        if self._others.get(sender, ()) == names:
            return []
        self._others[sender] = names
        return [PeerExposed(sender)]

    def _hear_call(self, sender: str, call: Call) -> Effects:
        key = sender, call.number
        if key in self._running:
            raise RemoteProtocolError("two calls with one number")
        args, kwargs = decode_arguments(call.arguments)
        if call.name not in (self._names or ()):
            return self._answer(*key, AnswerKind.NOT_EXPOSED, NOTHING)
        if sum(caller == sender for caller, _ in self._running) >= MAX_OPEN_CALLS:
            return self._answer(*key, AnswerKind.TOO_MANY, NOTHING)
        self._running[key] = True
        return [CallCame(*key, call.name, args, kwargs)]

    def _answer(self, peer_id: str, number: int, kind: AnswerKind, content: bytes) -> Effects:
        return self._send(peer_id, Answer(self.peer_id, peer_id, number, kind, content))

    def _send(self, peer_id: str, message: Answer | CancelCall) -> Effects:
        way = self.ways().get(peer_id)
        return [] if way is None else [*way.send(encode(message))]

    def _say(self, ways: Iterable[Link]) -> Effects:
        frame = encode(Exposed(self.peer_id, self._names or ()))
        return [effect for way in ways for effect in way.send(frame)]
