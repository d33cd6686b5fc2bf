"""Encrypts and decrypts what a password room sends by signaling and by the tab channel.

AES-GCM in a browser is asynchronous, and takes a message about a millisecond: several are under way
at once, and each lane keeps its order. A room without password passes everything through at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Literal, Protocol, TypeAlias, TypeVar

from pyodide_rtc.errors import DecryptionError, RemoteProtocolError, RtcError
from pyodide_rtc.ports import RoomKey
from pyodide_rtc.wire import envelope

MAX_SEALED_BYTES = 256 * 1024 * 1024
"""The largest frame that is decrypted."""

MAX_UNDER_WAY = 16
"""So many are encrypted or decrypted at the same time; the others wait."""

Lane: TypeAlias = Literal["signaling in", "signaling out", "tabs in", "tabs out"]
T = TypeVar("T")

_THEY_HAVE_A_PASSWORD = "somebody is in a room of this name with a password, and we have none"
_THEY_HAVE_NO_PASSWORD = "somebody is in a room of this name without a password, and we have one"
_ANOTHER_PASSWORD = "somebody is in a room of this name with another password"


class Sealer(Protocol):
    """Turns payloads into what travels, and back: each of these four in the order of its calls."""

    def seal_payload(self, payload: dict[str, object], done: Callable[[object], None]) -> None:
        """Prepare a signaling payload for publishing."""

    def open_payload(self, data: object, done: Callable[[object], None]) -> None:
        """Read a published payload."""

    def seal_frame(self, frame: bytes, done: Callable[[bytes], None]) -> None:
        """Prepare a tab-channel frame."""

    def open_frame(self, data: bytes, done: Callable[[bytes], None]) -> None:
        """Read a tab-channel frame."""

    async def aclose(self) -> None:
        """Finish what is under way."""


class PlainSealer:
    """For rooms without password.

    Args:
        on_stranger: told, with the reason, of what a peer with a password says.
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


class PasswordSealer:
    """For password rooms.

    Args:
        key: the key, still on its way: what comes before it waits.
        on_stranger: told, with the reason, of what cannot be decrypted.
        on_fault: told of a key that cannot be made, and of nonsense under the right key.
    """

    def __init__(
        self,
        key: Awaitable[RoomKey],
        on_stranger: Callable[[str], None],
        on_fault: Callable[[RtcError], None],
    ) -> None:
        self._on_stranger = on_stranger
        self._on_fault = on_fault
        self._derived = asyncio.ensure_future(key)
        self._key = asyncio.ensure_future(self._take_key())
        self._slots = asyncio.Semaphore(MAX_UNDER_WAY)
        self._jobs: set[asyncio.Task[None]] = set()
        self._last: dict[Lane, asyncio.Task[None]] = {}

    def seal_payload(self, payload: dict[str, object], done: Callable[[object], None]) -> None:
        """Encrypt to the base64 text that is published."""

        async def seal(key: RoomKey) -> object:
            return envelope.to_text(await _encrypt(key, envelope.encode_plain(payload)))

        self._begin("signaling out", seal, done)

    def open_payload(self, data: object, done: Callable[[object], None]) -> None:
        """Decrypt a published text."""

        async def open_(key: RoomKey) -> object:
            if not isinstance(data, str):
                raise DecryptionError(_THEY_HAVE_NO_PASSWORD)
            plain = await _decrypt(
                key, lambda: envelope.from_text(data, max_chars=MAX_SEALED_BYTES)
            )
            return envelope.decode_plain(plain, max_bytes=MAX_SEALED_BYTES)

        self._begin("signaling in", open_, done)

    def seal_frame(self, frame: bytes, done: Callable[[bytes], None]) -> None:
        """Encrypt a frame."""
        self._begin("tabs out", lambda key: _encrypt(key, frame), done)

    def open_frame(self, data: bytes, done: Callable[[bytes], None]) -> None:
        """Decrypt a frame."""
        self._begin("tabs in", lambda key: _decrypt(key, lambda: data), done)

    async def aclose(self) -> None:
        """Finish what was asked for."""
        while self._jobs:
            await asyncio.wait(self._jobs)
        self._key.cancel()
        self._derived.cancel()

    async def _take_key(self) -> RoomKey | None:
        try:
            return await self._derived
        except RtcError as error:
            self._on_fault(error)
            return None  # nothing can go, but leaving must not wait for it

    def _begin(
        self,
        lane: Lane,
        work: Callable[[RoomKey], Awaitable[T]],
        done: Callable[[T], None],
    ) -> None:
        """Begin a job now, and give its result after those that were begun before it."""
        job = asyncio.ensure_future(self._do(work, done, self._last.get(lane)))
        self._last[lane] = job
        self._jobs.add(job)
        job.add_done_callback(self._jobs.discard)

    async def _do(
        self,
        work: Callable[[RoomKey], Awaitable[T]],
        done: Callable[[T], None],
        before: asyncio.Task[None] | None,
    ) -> None:
        async with self._slots:
            key = await self._key
            if key is None:
                return
            try:
                try:
                    result = await work(key)
                finally:
                    if before is not None and not before.done():
                        await asyncio.wait([before])  # faults keep the order, too
                done(result)
            except DecryptionError as error:
                self._on_stranger(error.reason)
            except RemoteProtocolError as error:
                self._on_fault(error)


async def _encrypt(key: RoomKey, plain: bytes) -> bytes:
    return envelope.encode_frame(*await key.encrypt(plain))


async def _decrypt(key: RoomKey, read: Callable[[], bytes]) -> bytes:
    """Decrypt what `read` gives.

    Raises:
        DecryptionError: it was not encrypted with this key, or not at all.
    """
    try:
        iv, ciphertext = envelope.decode_frame(read(), max_bytes=MAX_SEALED_BYTES)
    except RemoteProtocolError as error:
        raise DecryptionError(_THEY_HAVE_NO_PASSWORD) from error
    try:
        return await key.decrypt(iv, ciphertext)
    except DecryptionError as error:
        raise DecryptionError(_ANOTHER_PASSWORD) from error
