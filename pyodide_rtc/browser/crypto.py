"""AES-GCM and PBKDF2 by the browser's `crypto.subtle`."""

from __future__ import annotations

import os
from typing import Any

import js

from pyodide_rtc.browser.ffi import as_js, raised_as
from pyodide_rtc.errors import BrowserUnsupportedError, DecryptionError

__all__ = ["SubtleCrypto"]

_IV_BYTES = 12
_ROUNDS = 100_000


class SubtleCrypto:
    """The cryptography of password rooms."""

    def require(self) -> None:
        """Make sure that there is `crypto.subtle`.

        Raises:
            BrowserUnsupportedError: there is none, as on an insecure page.
        """
        if getattr(js.crypto, "subtle", None) is None:
            raise _unsupported("crypto.subtle is missing")

    async def derive_key(self, password: str, salt: str) -> SubtleKey:
        """Derive the key of a room. It cannot be read out of the browser.

        Raises:
            BrowserUnsupportedError: no `crypto.subtle`, as on an insecure page.
        """
        self.require()
        subtle = js.crypto.subtle
        pbkdf2 = {
            "name": "PBKDF2",
            "salt": salt.encode(),
            "iterations": _ROUNDS,
            "hash": "SHA-256",
        }
        aes = {"name": "AES-GCM", "length": 256}
        with raised_as(_unsupported):
            secret = await subtle.importKey(
                "raw", as_js(password.encode()), "PBKDF2", False, as_js(["deriveKey"])
            )
            key = await subtle.deriveKey(
                as_js(pbkdf2), secret, as_js(aes), False, as_js(["encrypt", "decrypt"])
            )
        return SubtleKey(subtle, key)


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
