"""Encrypts and decrypts what a password room sends by signaling and by the tab channel.

AES-GCM in a browser is asynchronous, and takes about a millisecond for each message. So several
messages are under way at once. They are in four lanes, and each lane keeps its order. A room
without password passes everything through at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, Protocol, TypeAlias

from pyodide_rtc import background
from pyodide_rtc.errors import DecryptionError, InternalError, RemoteProtocolError, RtcError
from pyodide_rtc.ports import RoomKey, Sealed
from pyodide_rtc.wire import envelope

MAX_SEALED_BYTES = 256 * 1024 * 1024
"""The largest frame that is decrypted."""

MAX_UNDER_WAY = 16
"""So many messages are encrypted or decrypted at the same time; the others wait."""

Lane: TypeAlias = Literal["signaling in", "signaling out", "tabs in", "tabs out"]

_THEY_HAVE_A_PASSWORD = "somebody is in a room of this name with a password, and we have none"
_THEY_HAVE_NO_PASSWORD = "somebody is in a room of this name without a password, and we have one"
_ANOTHER_PASSWORD = "somebody is in a room of this name with another password"


class Sealer(Protocol):
    """Encrypts and decrypts payloads and frames.

    Each of the four methods calls its `done` in the order in which the method was called.
    """

    def seal_payload(self, payload: dict[str, object], done: Callable[[object], None]) -> None:
        """Prepare a signaling payload for publishing."""

    def open_payload(self, data: object, done: Callable[[object], None]) -> None:
        """Read a published payload."""

    def seal_frame(self, frame: bytes, done: Callable[[bytes], None]) -> None:
        """Prepare a tab-channel frame."""

    def open_frame(self, data: bytes, done: Callable[[bytes], None]) -> None:
        """Read a tab-channel frame."""

    async def aclose(self) -> None:
        """Wait until everything under way is finished."""


class PlainSealer:
    """The sealer of rooms without password.

    Args:
        on_stranger: called with a reason when something comes from a peer that has a password.
    """

    def __init__(self, on_stranger: Callable[[str], None]) -> None:
        self._on_stranger = on_stranger

    def seal_payload(self, payload: dict[str, object], done: Callable[[object], None]) -> None:
        """Pass the payload on."""
        done(payload)

    def open_payload(self, data: object, done: Callable[[object], None]) -> None:
        """Pass the payload on, unless it is encrypted."""
        if isinstance(data, str):
            self._on_stranger(_THEY_HAVE_A_PASSWORD)
        else:
            done(data)

    def seal_frame(self, frame: bytes, done: Callable[[bytes], None]) -> None:
        """Pass the frame on."""
        done(frame)

    def open_frame(self, data: bytes, done: Callable[[bytes], None]) -> None:
        """Pass the frame on, unless it is encrypted."""
        if envelope.is_frame(data):
            self._on_stranger(_THEY_HAVE_A_PASSWORD)
        else:
            done(data)

    async def aclose(self) -> None:
        """Do nothing: nothing is ever under way."""


@dataclass(slots=True)
class _Job:
    """One encryption or decryption.

    Args:
        lane: the lane whose order it keeps.
        begin: starts the work; calls its argument with the result.
        take: uses the result.
        result: the result, or the error; None while it is under way.
    """

    lane: Lane
    begin: Callable[[Callable[[Sealed | bytes | RtcError], None]], None]
    take: Callable[[Any], None]
    result: Sealed | bytes | RtcError | None = None


class PasswordSealer:
    """The sealer of password rooms.

    Args:
        key: the key; it may still be in the making.
        on_stranger: called with a reason when something cannot be decrypted.
        on_fault: called when the key cannot be made, and for nonsense under the right key.
    """

    def __init__(
        self,
        key: RoomKey,
        on_stranger: Callable[[str], None],
        on_fault: Callable[[RtcError], None],
    ) -> None:
        self._key = key
        self._on_stranger = on_stranger
        self._on_fault = on_fault
        self._loop = asyncio.get_running_loop()
        self._lanes: dict[Lane, deque[_Job]] = {}
        self._waiting: deque[_Job] = deque()
        self._under_way = 0
        self._is_keyless = False
        self._idle: asyncio.Future[None] | None = None

    def seal_payload(self, payload: dict[str, object], done: Callable[[object], None]) -> None:
        """Encrypt a payload into the base64 text that is published."""
        self._encrypt(
            "signaling out",
            envelope.encode_plain(payload),
            lambda sealed: done(envelope.to_text(envelope.encode_frame(*sealed))),
        )

    def open_payload(self, data: object, done: Callable[[object], None]) -> None:
        """Decrypt a published text."""

        def read() -> bytes:
            if not isinstance(data, str):
                raise DecryptionError(_THEY_HAVE_NO_PASSWORD)
            return envelope.from_text(data, max_chars=MAX_SEALED_BYTES)

        def take(plain: bytes) -> None:
            done(envelope.decode_plain(plain, max_bytes=MAX_SEALED_BYTES))

        self._decrypt("signaling in", read, take)

    def seal_frame(self, frame: bytes, done: Callable[[bytes], None]) -> None:
        """Encrypt a frame."""
        self._encrypt("tabs out", frame, lambda sealed: done(envelope.encode_frame(*sealed)))

    def open_frame(self, data: bytes, done: Callable[[bytes], None]) -> None:
        """Decrypt a frame."""
        self._decrypt("tabs in", lambda: data, done)

    async def aclose(self) -> None:
        """Wait until all that was asked for is finished, and close the key."""
        if any(self._lanes.values()):
            self._idle = self._loop.create_future()
            await self._idle
        self._key.close()

    def _encrypt(self, lane: Lane, plain: bytes, take: Callable[[Sealed], None]) -> None:
        self._add(_Job(lane, partial(self._key.encrypt, plain), take))

    def _decrypt(
        self, lane: Lane, read: Callable[[], bytes], take: Callable[[bytes], None]
    ) -> None:
        def begin(done: Callable[[bytes | RtcError], None]) -> None:
            try:
                frame = envelope.decode_frame(read(), max_bytes=MAX_SEALED_BYTES)
            except (RemoteProtocolError, DecryptionError):
                background.soon(done, DecryptionError(_THEY_HAVE_NO_PASSWORD))
            else:
                self._key.decrypt(*frame, partial(_with_reason, done))

        self._add(_Job(lane, begin, take))

    def _add(self, job: _Job) -> None:
        """Begin a job now or soon; its result is used after those of earlier jobs of its lane."""
        self._lanes.setdefault(job.lane, deque()).append(job)
        self._waiting.append(job)
        self._begin_some()

    def _begin_some(self) -> None:
        while self._waiting and self._under_way < MAX_UNDER_WAY:
            job = self._waiting.popleft()
            self._under_way += 1
            job.begin(partial(self._on_result, job))

    def _on_result(self, job: _Job, result: Sealed | bytes | RtcError) -> None:
        self._under_way -= 1
        job.result = result
        lane = self._lanes[job.lane]
        while lane and lane[0].result is not None:
            self._finish(lane.popleft())
        self._begin_some()
        if self._idle is not None and not self._idle.done() and not any(self._lanes.values()):
            self._idle.set_result(None)

    def _finish(self, job: _Job) -> None:
        match job.result:
            case DecryptionError(reason=reason):
                self._on_stranger(reason)
            case RtcError() as error:
                if not self._is_keyless:  # reported once: nothing can go out or come in any more
                    self._is_keyless = True
                    self._on_fault(error)
            case result:
                try:
                    job.take(result)
                except RemoteProtocolError as error:
                    self._on_fault(error)
                except Exception as error:  # other jobs go on
                    self._on_fault(InternalError.of("taking in what was decrypted", error))


def _with_reason(done: Callable[[bytes | RtcError], None], result: bytes | RtcError) -> None:
    """Replace a decryption error by one that says in the user's terms what it means."""
    is_refused = isinstance(result, DecryptionError)
    done(DecryptionError(_ANOTHER_PASSWORD) if is_refused else result)
