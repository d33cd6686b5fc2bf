"""The messages of calls between kernels, and of batons: of our own kind alone.

Owns their layout. Must not know which functions there are, or who may have a baton. In a link to
one peer the sender is known; in the tab channel, where all hear everything, it is as the message
says, and so is the receiver.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import assert_never

from pyodide_rtc.errors import DecodeError, MessageTooBigError
from pyodide_rtc.wire.lib0 import (
    UNDEFINED,
    Reader,
    encode_any,
    encode_var_bytes,
    encode_var_string,
    encode_var_uint,
)

__all__ = [
    "MAX_BATONS",
    "MAX_EXPOSED",
    "MAX_HEARD",
    "MAX_LABEL_BYTES",
    "MAX_VALUE_BYTES",
    "NOTHING",
    "Answer",
    "AnswerKind",
    "BatonWish",
    "Batons",
    "Call",
    "CallMessage",
    "CancelCall",
    "Exposed",
    "decode_arguments",
    "decode_value",
    "encode_arguments",
    "encode_value",
    "parts",
    "read",
]

_EXPOSED, _CALL, _ANSWER, _CANCEL, _BATONS = 105, 106, 107, 108, 109

MAX_LABEL_BYTES = 200
"""The longest name of a function or a baton, and the longest peer id."""

MAX_EXPOSED = 200
"""So many functions a peer may expose."""

MAX_BATONS = 100
"""So many batons a peer may hold and wait for."""

MAX_HEARD = 1_000
"""Of so many peers a peer may say how far it has heard them."""

MAX_VALUE_BYTES = 4 * 1024 * 1024
"""The largest arguments of one call, and the largest result."""


class AnswerKind(IntEnum):
    """What became of a call."""

    RESULT = 0
    """The function has returned: the content is its result."""
    RAISED = 1
    """The function has raised: the content is a list of the type's name and the text."""
    REFUSED = 2
    """The function does not want this call: the content is the reason."""
    NOT_EXPOSED = 3
    """There is no such function any more; the content is None."""
    TOO_MANY = 4
    """The caller has too many calls open; the content is None."""


@dataclass(frozen=True, slots=True)
class Exposed:
    """Say which functions of ours others may call.

    Layout: varUint(105) • varString(peer_id) • varUint(count) • count times varString(name)

    At most 200 names, each of 1 to 200 bytes.
    """

    sender: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """Call a function.

    Layout: varUint(106) • varString(from) • varString(to) • varUint(number) • varString(name) •
    varUint8Array(any([positional, named]))

    Args:
        sender: the peer id of the caller.
        to: the peer id of the one who is called.
        number: tells the calls of one caller apart.
        name: the function.
        arguments: a list and an object, encoded; at most 4 MiB.
    """

    sender: str
    to: str
    number: int
    name: str
    arguments: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer a call.

    Layout: varUint(107) • varString(from) • varString(to) • varUint(number) • varUint(kind) •
    varUint8Array(any(content))

    Args:
        sender: the peer id of the one who was called.
        to: the peer id of the caller.
        number: that of the call.
        kind: what became of it.
        content: as the kind says, encoded; at most 4 MiB.
    """

    sender: str
    to: str
    number: int
    kind: AnswerKind
    content: bytes


@dataclass(frozen=True, slots=True)
class CancelCall:
    """Wait for an answer no longer: the function may stop.

    Layout: varUint(108) • varString(from) • varString(to) • varUint(number)
    """

    sender: str
    to: str
    number: int


@dataclass(frozen=True, slots=True)
class BatonWish:
    """That somebody holds a baton, or waits for it.

    Args:
        name: the baton.
        stamp: when it was asked for, by the clock of batons.
        is_held: whether its asker has it.
    """

    name: str
    stamp: int
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class Batons:
    """Say which batons we hold and wait for: all of them, and how far our clock is.

    Layout: varUint(109) • varString(peer_id) • varUint(clock) • varUint(count) • count times
    (varString(name) • varUint(stamp) • uint8(1 if held, else 0)) • varUint(heard) • heard times
    (varString(peer_id) • varUint(clock))

    At most 100 batons, each once, with names of 1 to 200 bytes. No stamp is above the clock.

    Args:
        sender: our peer id.
        clock: how far our clock is.
        wishes: the batons.
        heard: how far the clocks of the receivers were when we heard them last, by peer id; at most
            1,000.
    """

    sender: str
    clock: int
    wishes: tuple[BatonWish, ...] = ()
    heard: tuple[tuple[str, int], ...] = ()


CallMessage = Exposed | Call | Answer | CancelCall | Batons


def parts(message: CallMessage) -> tuple[bytes, ...]:
    """Encode a message, in parts that follow each other."""
    match message:
        case Exposed(sender, names):
            return _head(_EXPOSED, sender), encode_var_uint(len(names)), *map(_text, names)
        case Call(sender, to, number, name, arguments):
            head = _head(_CALL, sender, to) + encode_var_uint(number) + _text(name)
            return head, encode_var_uint(len(arguments)), arguments
        case Answer(sender, to, number, kind, content):
            numbers = encode_var_uint(number) + encode_var_uint(kind)
            return _head(_ANSWER, sender, to), numbers, encode_var_bytes(content)
        case CancelCall(sender, to, number):
            return _head(_CANCEL, sender, to), encode_var_uint(number)
        case Batons(sender, clock, wishes, heard):
            numbers = encode_var_uint(clock) + encode_var_uint(len(wishes))
            clocks = [_text(peer_id) + encode_var_uint(clock) for peer_id, clock in heard]
            head = _head(_BATONS, sender) + numbers
            return head, *map(_wish, wishes), encode_var_uint(len(heard)), *clocks
        case _:
            assert_never(message)


def _head(kind: int, *peer_ids: str) -> bytes:
    return encode_var_uint(kind) + b"".join(map(_text, peer_ids))


def _text(text: str) -> bytes:
    return encode_var_string(text)


def _wish(wish: BatonWish) -> bytes:
    return _text(wish.name) + encode_var_uint(wish.stamp) + bytes([wish.is_held])


def read(kind: int, reader: Reader) -> CallMessage | None:
    """Read what follows the type of a message; None if the type is another one.

    Raises:
        DecodeError: it ends too early, or is above a limit.
        MessageTooBigError: the arguments or the result are too large.
    """
    read_rest = _READERS.get(kind)
    return None if read_rest is None else read_rest(reader)


def _read_exposed(reader: Reader) -> Exposed:
    sender = _read_label(reader)
    names = [_read_label(reader) for _ in range(_read_count(reader, MAX_EXPOSED, "functions"))]
    return Exposed(sender, (*names,))


def _read_call(reader: Reader) -> Call:
    sender, to, number = _read_label(reader), _read_label(reader), reader.var_uint()
    return Call(sender, to, number, _read_label(reader), _read_value(reader))


def _read_answer(reader: Reader) -> Answer:
    sender, to, number = _read_label(reader), _read_label(reader), reader.var_uint()
    start, kind = reader.offset, reader.var_uint()
    try:
        return Answer(sender, to, number, AnswerKind(kind), _read_value(reader))
    except ValueError as error:
        raise DecodeError("a kind of answer", start, encode_var_uint(kind)) from error


def _read_cancel(reader: Reader) -> CancelCall:
    return CancelCall(_read_label(reader), _read_label(reader), reader.var_uint())


def _read_batons(reader: Reader) -> Batons:
    sender, clock = _read_label(reader), reader.var_uint()
    wishes: dict[str, BatonWish] = {}
    for _ in range(_read_count(reader, MAX_BATONS, "batons")):
        start = reader.offset
        wish = BatonWish(_read_label(reader), reader.var_uint(), reader.byte() == 1)
        if wish.stamp > clock or wish.name in wishes:
            raise DecodeError("each baton once, not above the clock", start, b"")
        wishes[wish.name] = wish
    count = _read_count(reader, MAX_HEARD, "clocks")
    heard = [(_read_label(reader), reader.var_uint()) for _ in range(count)]
    return Batons(sender, clock, (*wishes.values(),), (*heard,))


def _read_count(reader: Reader, limit: int, what: str) -> int:
    start = reader.offset
    count = reader.var_uint()
    if count > limit:
        raise DecodeError(f"at most {limit} {what}", start, encode_var_uint(count))
    return count


def _read_label(reader: Reader) -> str:
    start, label = reader.offset, reader.var_string()
    if not 1 <= len(label.encode()) <= MAX_LABEL_BYTES:
        raise DecodeError(f"a name of 1 to {MAX_LABEL_BYTES} bytes", start, label.encode()[:32])
    return label


def _read_value(reader: Reader) -> bytes:
    value = reader.var_bytes()
    if len(value) > MAX_VALUE_BYTES:
        raise MessageTooBigError(len(value), MAX_VALUE_BYTES, "in")
    return value


_READERS: dict[int, Callable[[Reader], CallMessage]] = {
    _EXPOSED: _read_exposed,
    _CALL: _read_call,
    _ANSWER: _read_answer,
    _CANCEL: _read_cancel,
    _BATONS: _read_batons,
}


# Values.


NOTHING = encode_any(None)
"""What an answer contains if its kind says it all."""


def encode_value(value: object) -> bytes:
    """Encode a result.

    Raises:
        LocalProtocolError: it nests too deep.
    """
    return encode_any(value)


def encode_arguments(args: list[object], kwargs: dict[str, object]) -> bytes:
    """Encode the arguments of a call.

    Raises:
        LocalProtocolError: they nest too deep.
    """
    return encode_any([args, kwargs])


def decode_arguments(data: bytes) -> tuple[list[object], dict[str, object]]:
    """Decode the arguments of a call.

    Raises:
        DecodeError: they are no list and no object.
    """
    match decode_value(data):
        case [list() as args, dict() as kwargs]:
            return args, kwargs
    raise DecodeError("positional and named arguments", 0, data)


def decode_value(data: bytes) -> object:
    """Decode a value as Python's own: whole numbers are int.

    Raises:
        DecodeError: it is none.
    """
    reader = Reader(data, max_bytes=MAX_VALUE_BYTES)
    value = _as_python(reader.any())
    if not reader.at_end:
        raise DecodeError("the end of the value", reader.offset, data[reader.offset :])
    return value


def _as_python(value: object) -> object:
    match value:
        case list():
            return [_as_python(item) for item in value]
        case dict():
            return {key: _as_python(item) for key, item in value.items()}
        case float() if value.is_integer() and abs(value) < 2**53:
            return int(value)
        case int() if not isinstance(value, bool):
            return int(value)  # a BigInt is one
    return None if value is UNDEFINED else value
