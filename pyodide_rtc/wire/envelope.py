"""The envelope of password rooms: the frame around ciphertext, and the encoding of what is in it.

Owns wire.md section 3 without the cryptography, which is a port: AES-GCM 256 without additional
data, under a key that PBKDF2 derives from password and room name. Must not know keys.

Signaling payloads travel as ``to_text(encode_frame(iv, encrypt(encode_plain(payload))))``; messages
of the tab channel as ``encode_frame(iv, encrypt(message))``.

Source: y-webrtc src/crypto.js (c411f1d).
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from pyodide_rtc.errors import DecodeError, MessageTooBigError
from pyodide_rtc.wire.lib0 import Reader, encode_any, encode_var_bytes, encode_var_string

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "decode_frame",
    "decode_plain",
    "encode_frame",
    "encode_plain",
    "from_text",
    "is_frame",
    "to_text",
]

_ALGORITHM = "AES-GCM"
_IV_BYTES = 12
_TAG_BYTES = 16


def encode_frame(iv: bytes, ciphertext: bytes) -> bytes:
    """Put ciphertext into a frame.

    Layout: varString("AES-GCM") • varUint8Array(iv) • varUint8Array(ciphertext)

    Args:
        iv: 12 bytes, never used twice with a key.
        ciphertext: with its tag of 16 bytes.
    """
    return encode_var_string(_ALGORITHM) + encode_var_bytes(iv) + encode_var_bytes(ciphertext)


def is_frame(data: bytes) -> bool:
    """Return whether this looks like such a frame: no plain message begins like that."""
    return data.startswith(encode_var_string(_ALGORITHM))


def decode_frame(data: bytes, *, max_bytes: int) -> tuple[bytes, bytes]:
    """Take ciphertext out of a frame; bytes behind it are ignored.

    Returns:
        The iv, and the ciphertext with its tag.

    Raises:
        DecodeError: not such a frame; in a tab channel a tab without the password can send that.
        MessageTooBigError: larger than `max_bytes`.
    """
    reader = Reader(data, max_bytes=max_bytes)
    algorithm = reader.var_string()
    if algorithm != _ALGORITHM:
        raise DecodeError(f"algorithm {_ALGORITHM}", 0, data)
    iv = reader.var_bytes()
    if len(iv) != _IV_BYTES:
        raise DecodeError(f"an iv of {_IV_BYTES} bytes", reader.offset - len(iv), iv)
    ciphertext = reader.var_bytes()
    if len(ciphertext) < _TAG_BYTES:
        start = reader.offset - len(ciphertext)
        raise DecodeError(f"at least the tag of {_TAG_BYTES} bytes", start, ciphertext)
    return iv, ciphertext


def encode_plain(payload: Mapping[str, object]) -> bytes:
    """Encode a payload for encryption.

    Layout: any(payload)

    Raises:
        LocalProtocolError: JavaScript has no such value.
    """
    return encode_any(dict(payload))


def decode_plain(data: bytes, *, max_bytes: int) -> object:
    """Decode a decrypted payload; bytes behind the value are ignored.

    Raises:
        DecodeError: not a value.
        MessageTooBigError: larger than `max_bytes`.
    """
    return Reader(data, max_bytes=max_bytes).any()


def to_text(frame: bytes) -> str:
    """Write a frame as base64, with padding, as signaling needs it."""
    return base64.b64encode(frame).decode()


def from_text(text: str, *, max_chars: int) -> bytes:
    """Read base64, with padding.

    Raises:
        DecodeError: not base64.
        MessageTooBigError: longer than `max_chars`.
    """
    if len(text) > max_chars:
        raise MessageTooBigError(len(text), max_chars, "in")
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as exc:
        raise DecodeError("base64", excerpt=text[:32].encode(errors="replace")) from exc
