"""Encrypts and decrypts what a password room sends by signaling and by the tab channel.

AES-GCM in a browser is asynchronous, so both ways keep their order in a queue. A room without
password passes everything through at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from pyodide_rtc.errors import DecryptionError, RemoteProtocolError, RtcError
from pyodide_rtc.ports import RoomKey
from pyodide_rtc.wire import envelope

MAX_SEALED_BYTES = 256 * 1024 * 1024
"""The largest frame that is decrypted."""


_THEY_HAVE_A_PASSWORD = "somebody is in a room of this name with a password, and we have none"
_THEY_HAVE_NO_PASSWORD = "somebody is in a room of this name without a password, and we have one"
_ANOTHER_PASSWORD = "somebody is in a room of this name with another password"


class Sealer(Protocol):
    """Turns payloads into what travels, and back. Results come in the order of the calls."""

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
        self._key = asyncio.ensure_future(key)
        self._on_stranger = on_stranger
        self._on_fault = on_fault
        self._jobs: asyncio.Queue[Callable[[RoomKey], Awaitable[None]]] = asyncio.Queue()
        self._worker = asyncio.ensure_future(self._work())

    def seal_payload(self, payload: dict[str, object], done: Callable[[object], None]) -> None:
        """Encrypt to the base64 text that is published."""

        async def job(key: RoomKey) -> None:
            frame = envelope.encode_frame(*await key.encrypt(envelope.encode_plain(payload)))
            done(envelope.to_text(frame))

        self._jobs.put_nowait(job)

    def open_payload(self, data: object, done: Callable[[object], None]) -> None:
        """Decrypt a published text."""

        async def job(key: RoomKey) -> None:
            if not isinstance(data, str):
                raise DecryptionError(_THEY_HAVE_NO_PASSWORD)
            plain = await _decrypt(
                key, lambda: envelope.from_text(data, max_chars=MAX_SEALED_BYTES)
            )
            done(envelope.decode_plain(plain, max_bytes=MAX_SEALED_BYTES))

        self._jobs.put_nowait(job)

    def seal_frame(self, frame: bytes, done: Callable[[bytes], None]) -> None:
        """Encrypt a frame."""

        async def job(key: RoomKey) -> None:
            done(envelope.encode_frame(*await key.encrypt(frame)))

        self._jobs.put_nowait(job)

    def open_frame(self, data: bytes, done: Callable[[bytes], None]) -> None:
        """Decrypt a frame."""

        async def job(key: RoomKey) -> None:
            done(await _decrypt(key, lambda: data))

        self._jobs.put_nowait(job)

    async def aclose(self) -> None:
        """Finish what was asked for, then stop."""
        await self._jobs.join()
        self._worker.cancel()
        self._key.cancel()

    async def _work(self) -> None:
        key: RoomKey | None = None
        try:
            key = await self._key
        except RtcError as error:
            self._on_fault(error)
        while True:
            job = await self._jobs.get()
            try:
                if key is not None:  # without one nothing can go, but leaving must not wait for it
                    await job(key)
            except DecryptionError as error:
                self._on_stranger(error.reason)
            except RemoteProtocolError as error:
                self._on_fault(error)
            finally:
                self._jobs.task_done()


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
