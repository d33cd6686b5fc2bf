"""AES-GCM and PBKDF2 by the browser's `crypto.subtle`."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any
from weakref import WeakSet

import js
from pyodide.ffi import to_js

from pyodide_rtc.browser.ffi import ProxyScope, thread
from pyodide_rtc.errors import BrowserUnsupportedError, DecryptionError, RtcError
from pyodide_rtc.ports import Sealed

__all__ = ["SubtleCrypto"]

_IV_BYTES = 12
_ROUNDS = 100_000


class SubtleCrypto:
    """The cryptography of password rooms."""

    def __init__(self) -> None:
        self._keys: WeakSet[SubtleKey] = WeakSet()

    def require(self) -> None:
        """Check that there is `crypto.subtle`.

        Raises:
            BrowserUnsupportedError: there is none, as on an insecure page.
        """
        if getattr(js.crypto, "subtle", None) is None:
            raise _unsupported("crypto.subtle is missing")

    def derive_key(self, password: str, salt: str) -> SubtleKey:
        """Begin to derive the key of a room. It cannot be read out of the browser.

        Raises:
            BrowserUnsupportedError: no `crypto.subtle`, as on an insecure page.
        """
        self.require()
        key = SubtleKey(password, salt)
        self._keys.add(key)
        return key

    def close(self) -> None:
        """Close all keys."""
        for key in self._keys:
            key.close()


class SubtleKey:
    """An AES-GCM 256 key, derived in the background."""

    def __init__(self, password: str, salt: str) -> None:
        self._scope = ProxyScope()
        self._numbers = count(1)
        self._waiting: dict[int, Callable[[bytes | RtcError], None]] = {}
        texts = to_js(password.encode()), to_js(salt.encode())
        self._key: Any = thread().openKey(*texts, _ROUNDS, self._scope.proxy(self._hear))

    def encrypt(self, plain: bytes, done: Callable[[Sealed | RtcError], None]) -> None:
        """Encrypt with a fresh random iv."""

        def split(result: bytes | RtcError) -> None:
            if isinstance(result, bytes):
                done((result[:_IV_BYTES], result[_IV_BYTES:]))
            else:
                done(result)

        self._key.encrypt(self._expect(split), to_js(plain))

    def decrypt(
        self, iv: bytes, ciphertext: bytes, done: Callable[[bytes | RtcError], None]
    ) -> None:
        """Decrypt and check the tag."""
        self._key.decrypt(self._expect(done), to_js(iv), to_js(ciphertext))

    def close(self) -> None:
        """Make no further callback; twice is no error."""
        self._key.close()
        self._scope.close()
        self._waiting.clear()

    def _expect(self, done: Callable[[bytes | RtcError], None]) -> int:
        number = next(self._numbers)
        self._waiting[number] = done
        return number

    def _hear(self, number: int, event: str, about: Any) -> None:
        done = self._waiting.pop(number)
        match event:
            case "done":
                done(about.to_bytes())
            case "refused":
                done(DecryptionError(about))
            case _:
                done(_unsupported(about))


def _unsupported(reason: str) -> BrowserUnsupportedError:
    remedy = "Open the page over https or on localhost, or join without a password."
    return BrowserUnsupportedError(reason, "window or worker", remedy)
