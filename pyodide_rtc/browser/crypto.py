"""AES-GCM and PBKDF2 by the browser's `crypto.subtle`."""

from __future__ import annotations

import os
from collections.abc import Awaitable
from typing import Any

import js

from pyodide_rtc.browser.ffi import as_js, js_function, raised_as
from pyodide_rtc.errors import BrowserUnsupportedError, DecryptionError

__all__ = ["SubtleCrypto"]

_IV_BYTES = 12
_ROUNDS = 100_000
_DERIVE = """
async (password, salt, iterations) => {
  const { subtle } = crypto;
  const secret = await subtle.importKey("raw", password, "PBKDF2", false, ["deriveKey"]);
  const how = { name: "PBKDF2", salt, iterations, hash: "SHA-256" };
  const what = { name: "AES-GCM", length: 256 };
  return subtle.deriveKey(how, secret, what, false, ["encrypt", "decrypt"]);
}
"""


class SubtleCrypto:
    """The cryptography of password rooms."""

    def require(self) -> None:
        """Make sure that there is `crypto.subtle`.

        Raises:
            BrowserUnsupportedError: there is none, as on an insecure page.
        """
        if getattr(js.crypto, "subtle", None) is None:
            raise _unsupported("crypto.subtle is missing")

    def derive_key(self, password: str, salt: str) -> Awaitable[SubtleKey]:
        """Begin to derive the key of a room. It cannot be read out of the browser.

        Raises:
            BrowserUnsupportedError: no `crypto.subtle`, as on an insecure page.
        """
        self.require()
        # In JavaScript, so that it is under way before Python has joined: it takes 17 ms.
        deriving = js_function(_DERIVE)(as_js(password.encode()), as_js(salt.encode()), _ROUNDS)

        async def wait() -> SubtleKey:
            with raised_as(_unsupported):
                return SubtleKey(js.crypto.subtle, await deriving)

        return wait()


class SubtleKey:
    """An AES-GCM 256 key."""

    def __init__(self, subtle: Any, key: Any) -> None:
        self._subtle = subtle
        self._key = key

    async def encrypt(self, plain: bytes) -> tuple[bytes, bytes]:
        """Encrypt with a fresh random iv. Returns iv (12 bytes) and ciphertext with 16-byte tag."""
        iv = os.urandom(_IV_BYTES)
        sealed = await self._subtle.encrypt(_aes_gcm(iv), self._key, as_js(plain))
        return iv, sealed.to_bytes()

    async def decrypt(self, iv: bytes, ciphertext: bytes) -> bytes:
        """Decrypt and check the tag.

        Raises:
            DecryptionError: another key, or altered bytes.
        """
        with raised_as(DecryptionError):
            plain = await self._subtle.decrypt(_aes_gcm(iv), self._key, as_js(ciphertext))
        data: bytes = plain.to_bytes()
        return data


def _aes_gcm(iv: bytes) -> Any:
    return as_js({"name": "AES-GCM", "iv": iv})


def _unsupported(reason: str) -> BrowserUnsupportedError:
    remedy = "Open the page over https or on localhost, or join without a password."
    return BrowserUnsupportedError(reason, "window or worker", remedy)
