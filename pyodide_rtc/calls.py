"""Functions of this notebook that others call, and calls of theirs.

Arguments and results are values, never code. A function runs as a task beside the user's cells:
whatever it raises becomes an answer, and nothing of it surfaces in a cell.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
import reprlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any, Protocol
from weakref import WeakValueDictionary

from pyodide_rtc import background, quiet_words, room_repr
from pyodide_rtc.cells import for_this_cell
from pyodide_rtc.errors import (
    CallLostError,
    CallRefusedError,
    CallTimeoutError,
    ConfigError,
    LocalProtocolError,
    NotExposedError,
    RemoteCallError,
    RtcError,
    ValueRefusedError,
)
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.call_machine import MAX_OPEN_CALLS
from pyodide_rtc.protocol.effects import CallAnswered, CallCame, CallLost, CallStopped
from pyodide_rtc.shared.plain_values import check_value, plain
from pyodide_rtc.snapshot import Peer, Snapshot
from pyodide_rtc.wire.call_messages import (
    MAX_EXPOSED,
    MAX_LABEL_BYTES,
    MAX_VALUE_BYTES,
    NOTHING,
    AnswerKind,
    encode_arguments,
    encode_value,
)

__all__ = ["ExposedFunction"]

logger = logging.getLogger("pyodide_rtc.room")

_CALLER = "caller"
_MAX_TYPE_CHARS = 100
_MAX_TEXT_CHARS = 2_000
_MOST_SHOWN = 6
_UNREADABLE = "(its text cannot be shown)"


class CallRoom(Protocol):
    """What calls and batons need of their room."""

    @property
    def snapshot(self) -> Snapshot:
        """How the room is at this moment."""

    async def until_open(self) -> None:
        """Wait until the room is open; raise what has ended it."""

    def feed(self, event: ev.CallEvent | ev.BatonEvent) -> None:
        """Tell the room's machine what the user does, if the room is open."""

    def tell(self, kind: str, reason: str, peer_id: str | None = None) -> None:
        """Tell something to those who observe the room, of a peer if it is of one."""


@dataclass(frozen=True, slots=True)
class ExposedFunction:
    """A function that can be called from other notebooks.

    Args:
        name: its name.
        is_here: whether this notebook has exposed one of that name.
        peers: the others who have.
    """

    name: str
    is_here: bool
    peers: tuple[Peer, ...]

    def __repr__(self) -> str:
        who = [*(["you"] if self.is_here else []), *map(_who, self.peers)]
        return f"<{room_repr.one_line(self.name)}(), exposed by {room_repr.listed(who)}>"


@dataclass(frozen=True, slots=True)
class _Function:
    """A function that is exposed here."""

    itself: object
    call: Callable[..., Any]
    takes_caller: bool


class Functions:
    """The functions that a kernel has exposed in one room; leaving and joining leaves them."""

    def __init__(self) -> None:
        self._functions: dict[str, _Function] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Their names, sorted."""
        return (*sorted(self._functions),)

    def add(self, function: object, name: str | None) -> None:
        """Expose a function; one of that name before is replaced.

        Raises:
            ConfigError: it is no function, has no name, or 200 are exposed.
        """
        if not callable(function):
            raise ConfigError(
                f"{function!r:.80} is no function",
                "Write @room.expose above a def; for another name @room.expose(name=...).",
            )
        if name is None:
            name = getattr(function, "__name__", "")
            if not name.isidentifier():
                raise ConfigError(f"{function!r:.80} has no name", "Give one: name=...")
        check_label(name, "function")
        if name not in self._functions and len(self._functions) >= MAX_EXPOSED:
            raise ConfigError(f"{MAX_EXPOSED} functions are exposed", "Call unexpose() first.")
        self._functions[name] = _Function(
            function, for_this_cell(function), _takes_caller(function)
        )

    def remove(self, function: object) -> None:
        """Expose a function no longer, by its name or itself; twice is no error."""
        known = {n for n, each in self._functions.items() if function in (n, each.itself)}
        for name in known:
            del self._functions[name]

    def get(self, name: str) -> _Function | None:
        """Return a function; None if it is not exposed any more."""
        return self._functions.get(name)


class Calls:
    """The calls of one room.

    Args:
        room: the room.
        functions: what is exposed here.
    """

    def __init__(self, room: CallRoom, functions: Functions) -> None:
        self._room = room
        self._functions = functions
        self._numbers = count(1)
        self._open: dict[int, asyncio.Future[CallAnswered | CallLost]] = {}
        self._slots: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._running: dict[tuple[str, int], asyncio.Task[tuple[AnswerKind, bytes]]] = {}

    @property
    def exposed(self) -> dict[str, ExposedFunction]:
        """What is exposed here and at others, sorted by name."""
        snapshot, here = self._room.snapshot, self._functions.names
        names = {*here, *(name for names in snapshot.exposed.values() for name in names)}
        return {n: ExposedFunction(n, n in here, _peers_with(n, snapshot)) for n in sorted(names)}

    def tell_names(self) -> None:
        """Tell the others what is exposed here."""
        self._room.feed(ev.NamesExposed(self._functions.names))

    def close(self, error: RtcError) -> None:
        """End all calls: the room was left, for this reason."""
        waiting, self._open = self._open, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(error)
        for task in tuple(self._running.values()):
            task.cancel()

    # What we call.

    async def call(
        self,
        name: str,
        args: tuple[object, ...],
        kwargs: dict[str, object],
        peer: Peer | str | None,
        timeout_s: float | None,
    ) -> Any:
        """Call a function of another notebook; as `Room.call` tells."""
        check_label(name, "function")
        check_timeout(timeout_s)
        arguments = _pack_arguments(name, args, kwargs)
        called: Peer | None = None
        try:
            async with asyncio.timeout(timeout_s):
                await self._room.until_open()
                called = _find(name, peer, self._room.snapshot)
                async with self._slot(called.peer_id):
                    outcome = await self._ask(called.peer_id, name, arguments)
        except TimeoutError as error:
            who = "" if called is None else _who(called)
            reason = _why_late(called, self._room.snapshot)
            raise CallTimeoutError(name, reason, who, timeout_s or 0.0) from error
        return _result_of(outcome, name, _who(called))

    def _slot(self, peer_id: str) -> asyncio.Semaphore:
        """Return what lets us have no more calls open at a peer than it takes."""
        slots = self._slots.get(peer_id)
        if slots is None:
            slots = self._slots[peer_id] = asyncio.Semaphore(MAX_OPEN_CALLS)
        return slots

    async def _ask(self, peer_id: str, name: str, arguments: bytes) -> CallAnswered | CallLost:
        number = next(self._numbers)
        future: asyncio.Future[CallAnswered | CallLost]
        future = self._open[number] = asyncio.get_running_loop().create_future()
        try:
            self._room.feed(ev.CallAsked(number, peer_id, name, arguments))
            return await future
        finally:
            if self._open.pop(number, None) is not None:  # we do not wait any more
                self._room.feed(ev.CallWithdrawn(number))

    def end(self, outcome: CallAnswered | CallLost) -> None:
        """A call of ours has an answer, or will have none."""
        future = self._open.pop(outcome.number, None)
        if future is not None and not future.done():
            future.set_result(outcome)

    # What others call.

    def come(self, call: CallCame) -> None:
        """Run the function that somebody calls, in a task of its own."""
        self._room.tell("call", _call_words(call), call.peer_id)
        key = call.peer_id, call.number
        task = self._running[key] = background.begin(self._run(call))
        task.add_done_callback(background.quiet(partial(self._done, key)))

    def stop(self, call: CallStopped) -> None:
        """Cancel what runs: its caller does not wait any more."""
        task = self._running.get((call.peer_id, call.number))
        if task is not None:
            task.cancel()

    async def _run(self, call: CallCame) -> tuple[AnswerKind, bytes]:
        function = self._functions.get(call.name)
        if function is None:
            return AnswerKind.NOT_EXPOSED, NOTHING
        try:
            result = function.call(*call.args, **self._named(function, call))
            if inspect.isawaitable(result):
                result = await result
            return AnswerKind.RESULT, _pack_result(call.name, result)
        except CallRefusedError as error:
            return AnswerKind.REFUSED, encode_value(_text_of(error))
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # even `sys.exit()`: it is the caller's answer, and no more
            logger.info("! %s() raised, called by a peer", call.name, exc_info=True)
            return _raised(error)

    def _named(self, function: _Function, call: CallCame) -> Mapping[str, object]:
        if not function.takes_caller:
            return call.kwargs
        if _CALLER in call.kwargs:
            raise TypeError(f"{call.name}() is given its caller by the room")
        peers = self._room.snapshot.peers
        return {**call.kwargs, _CALLER: next(p for p in peers if p.peer_id == call.peer_id)}

    def _done(self, key: tuple[str, int], task: asyncio.Task[tuple[AnswerKind, bytes]]) -> None:
        del self._running[key]
        answer = _raised(asyncio.CancelledError()) if task.cancelled() else task.result()
        self._room.feed(ev.CallDone(*key, *answer))


# Checks.


def check_label(name: object, what: str) -> str:
    """Return the name of a function or a baton, if it is one.

    Raises:
        ConfigError: it is no text of 1 to 200 bytes.
    """
    try:
        if isinstance(name, str) and 1 <= len(name.encode()) <= MAX_LABEL_BYTES:
            return name
    except UnicodeEncodeError:  # half a character
        pass
    raise ConfigError(
        f"{name!r:.80} is no name of a {what}", f"Give a text of 1 to {MAX_LABEL_BYTES} bytes."
    )


def check_timeout(timeout_s: object) -> None:
    """Check a time-out.

    Raises:
        ConfigError: it is neither None nor a number of seconds.
    """
    is_number = isinstance(timeout_s, int | float) and not isinstance(timeout_s, bool)
    if timeout_s is not None and not (is_number and timeout_s >= 0):  # type: ignore[operator]
        raise ConfigError(f"timeout_s is {timeout_s!r:.80}", "Give seconds, or None for ever.")


def _takes_caller(function: Callable[..., Any]) -> bool:
    try:
        parameter = inspect.signature(function).parameters.get(_CALLER)
    except (TypeError, ValueError):  # some of those that are written in C do not tell
        return False
    return parameter is not None and parameter.kind is inspect.Parameter.KEYWORD_ONLY


# Values.


def _pack_arguments(name: str, args: Iterable[object], kwargs: dict[str, object]) -> bytes:
    where = f"{name}()"
    positional = [_checked(v, f"{where}, argument {i}") for i, v in enumerate(args, 1)]
    named = {key: _checked(value, f"{where}, {key}=") for key, value in kwargs.items()}
    return _packed(lambda: encode_arguments(positional, named), where, "the arguments have")


def _pack_result(name: str, result: object) -> bytes:
    where = f"the result of {name}()"
    checked = _checked(result, where)
    return _packed(lambda: encode_value(checked), where, "it has")


def _checked(value: object, where: str) -> object:
    return check_value(plain(value), where)


def _packed(encode: Callable[[], bytes], where: str, what: str) -> bytes:
    try:
        data = encode()
    except LocalProtocolError as error:
        raise ValueRefusedError(where, error.state, "Write it flat, or as JSON text.") from error
    if len(data) > MAX_VALUE_BYTES:
        raise ValueRefusedError(
            where,
            f"{what} {len(data) / 1e6:.1f} MB, and a call takes {MAX_VALUE_BYTES >> 20} MiB",
            "Put it into the room, as in room.map('data'), and say under which key.",
        )
    return data


def _raised(error: BaseException) -> tuple[AnswerKind, bytes]:
    told = [_sound(type(error).__name__)[:_MAX_TYPE_CHARS], _text_of(error)]
    return AnswerKind.RAISED, encode_value(told)


def _text_of(error: BaseException) -> str:
    try:
        return _sound(str(error))[:_MAX_TEXT_CHARS]
    except Exception:  # the text of an exception is code of a user, too
        return _UNREADABLE


def _sound(text: str) -> str:
    return text.encode(errors="replace").decode()


def _result_of(outcome: CallAnswered | CallLost, name: str, who: str) -> Any:
    """Return the result, or raise what came in its place."""
    if isinstance(outcome, CallLost):
        raise CallLostError(name, f"{who} has gone, or is not reached any more", who)
    match outcome.kind, outcome.content:
        case AnswerKind.RESULT, result:
            return result
        case AnswerKind.RAISED, [str(type_name), str(text)]:
            raise RemoteCallError(name, _shown(type_name), _shown(text), who)
        case AnswerKind.REFUSED, str(reason):
            raise CallRefusedError(_shown(reason), name, who)
        case AnswerKind.NOT_EXPOSED, _:
            raise NotExposedError(name, f"{who} has not exposed it any more", who)
        case AnswerKind.TOO_MANY, _:
            raise CallRefusedError(f"{MAX_OPEN_CALLS} of your calls run there", name, who)
    raise RemoteCallError(name, "nothing", "the answer makes no sense", who)


def _shown(text: str) -> str:
    """Cut what a peer says, and replace what could move a terminal's cursor; lines stay lines."""
    lines = text[:_MAX_TEXT_CHARS].split("\n")
    return "\n".join("".join(c if c.isprintable() else " " for c in line) for line in lines)


# Who.


def _find(name: str, peer: object, snapshot: Snapshot) -> Peer:
    """Return whose function is to be called.

    Raises:
        NotExposedError: nobody who could be meant has exposed it; says who has what.
        ConfigError: several could be meant, or `peer` names nobody that there could be.
    """
    if peer is None:
        found = _peers_with(name, snapshot)
        if len(found) > 1:
            names = room_repr.listed([*map(_who, found)])
            remedy = f"Say whose you mean: peer={_who(found[0])!r}."
            raise ConfigError(f"{name}() is exposed by {names}", remedy)
        if not found:
            raise NotExposedError(name, f"nobody has exposed it: {_who_has_what(snapshot)}")
        return found[0]
    if not isinstance(peer, Peer | str):
        raise ConfigError(f"{peer!r:.80} is no peer", "Give one of room.peers, or its name.")
    one = _named_peer(peer, snapshot)
    if one is None:
        who = _who(peer) if isinstance(peer, Peer) else repr(room_repr.short_name(peer))
        raise NotExposedError(name, f"{who} is not here: {_who_has_what(snapshot)}")
    if name not in snapshot.exposed.get(one.peer_id, ()):
        raise NotExposedError(name, f"{_has_what(one, snapshot)}", _who(one))
    return one


def _named_peer(peer: Peer | str, snapshot: Snapshot) -> Peer | None:
    connected = [each for each in snapshot.peers if each.is_connected]
    wanted = {peer.peer_id} if isinstance(peer, Peer) else {peer}
    by_name = [each for each in connected if each.name in wanted]
    return next(iter([*by_name, *(e for e in connected if e.peer_id in wanted)]), None)


def _peers_with(name: str, snapshot: Snapshot) -> tuple[Peer, ...]:
    exposed = snapshot.exposed
    return tuple(p for p in snapshot.peers if name in exposed.get(p.peer_id, ()))


def _who_has_what(snapshot: Snapshot) -> str:
    told = [_has_what(peer, snapshot) for peer in snapshot.peers if peer.is_connected]
    return room_repr.listed(told) or "nobody else is connected"


def _has_what(peer: Peer, snapshot: Snapshot) -> str:
    names = [room_repr.short_name(f"{n}()") for n in snapshot.exposed.get(peer.peer_id, ())]
    return f"{_who(peer)} has exposed {room_repr.listed(names) or 'nothing'}"


def _who(peer: Peer) -> str:
    return room_repr.who(peer.name, peer.peer_id)


def _why_late(called: Peer | None, snapshot: Snapshot) -> str:
    if called is None:
        return "the room is not open yet"
    peer = next((each for each in snapshot.peers if each.peer_id == called.peer_id), None)
    words = "" if peer is None else quiet_words.state_words(peer)
    if words:
        return f"that kernel is {words}, and cannot answer before it is done"
    return "the function has not returned, or its kernel computes"


def _call_words(call: CallCame) -> str:
    args = [reprlib.repr(value) for value in call.args[:_MOST_SHOWN]]
    args += [f"{key}={reprlib.repr(value)}" for key, value in [*call.kwargs.items()][:_MOST_SHOWN]]
    more = len(call.args) + len(call.kwargs) - len(args)
    return f"{call.name}({', '.join([*args, *(['...'] if more else [])])})"
