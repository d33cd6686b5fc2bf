from __future__ import annotations

import base64
import hashlib
import json
from functools import cache
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from pyodide_rtc.errors import DecodeError, LocalProtocolError, MessageTooBigError
from pyodide_rtc.wire.envelope import (
    decode_frame,
    decode_plain,
    encode_frame,
    encode_plain,
    from_text,
    is_frame,
    to_text,
)
from pyodide_rtc.wire.lib0 import encode_var_bytes, encode_var_string

from .wire_helpers import (
    LIMIT,
    anything_in_json,
    damaged_bytes,
    damaged_text,
    load_vectors,
    quick,
    raises_only_wire_errors,
    texts,
)

CRYPTO = load_vectors("crypto")
SESSION = load_vectors("session-password")

ivs = st.binary(min_size=12, max_size=12)
ciphertexts = st.binary(min_size=16, max_size=200)
frames = st.builds(encode_frame, ivs, ciphertexts)


@cache
def derive_key(password: str, room: str) -> bytes:
    return hashlib.pbkdf2_hmac("sha256", password.encode(), room.encode(), 100_000, dklen=32)


def decrypt(frame: bytes, password: str, room: str) -> bytes:
    iv, ciphertext = decode_frame(frame, max_bytes=len(frame))
    return AESGCM(derive_key(password, room)).decrypt(iv, ciphertext, None)


@pytest.mark.parametrize("vector", CRYPTO, ids=lambda v: f"{v['password']}-{v['json']['type']}")
def test_as_y_webrtc_encrypted_it(vector: dict[str, Any]) -> None:
    key, iv = bytes.fromhex(vector["keyHex"]), bytes.fromhex(vector["ivHex"])
    assert derive_key(vector["password"], vector["room"]) == key
    plain = encode_plain(vector["json"])
    assert plain.hex() == vector["plainAnyHex"]
    ciphertext = AESGCM(key).encrypt(iv, plain, None)
    assert ciphertext.hex() == vector["cipherWithTagHex"]
    frame = encode_frame(iv, ciphertext)
    assert frame.hex() == vector["boxHex"]
    assert to_text(frame) == vector["dataBase64"]


@pytest.mark.parametrize("vector", CRYPTO, ids=lambda v: f"{v['password']}-{v['json']['type']}")
def test_reading_what_y_webrtc_encrypted(vector: dict[str, Any]) -> None:
    text = vector["dataBase64"]
    frame = from_text(text, max_chars=len(text))
    plain = decrypt(frame, vector["password"], vector["room"])
    payload = decode_plain(plain, max_bytes=len(plain))
    assert json.dumps(payload) == json.dumps(vector["json"])  # the order of keys too


def test_reading_a_session() -> None:
    password, room = SESSION["password"], SESSION["room"]
    published = [f for f in SESSION["signaling"] if "payload" in f]
    for frame in published:
        data = from_text(json.loads(frame["text"])["data"], max_chars=LIMIT)
        payload = decode_plain(decrypt(data, password, room), max_bytes=LIMIT)
        assert payload == frame["payload"]
    for frame in SESSION["broadcastChannel"]:
        plain = decrypt(bytes.fromhex(frame["hex"]), password, room)
        assert plain.hex() == frame["plainHex"]
    assert published


def test_another_password_does_not_open_it() -> None:
    frame = from_text(CRYPTO[0]["dataBase64"], max_chars=LIMIT)
    with pytest.raises(InvalidTag):
        decrypt(frame, "x", "")


@quick
@given(ivs, ciphertexts)
def test_frame_round_trip(iv: bytes, ciphertext: bytes) -> None:
    frame = encode_frame(iv, ciphertext)
    assert decode_frame(frame + b"bytes behind it", max_bytes=LIMIT) == (iv, ciphertext)
    assert from_text(to_text(frame), max_chars=LIMIT) == frame


@quick
@given(st.dictionaries(texts, st.booleans() | texts | st.integers(-(2**53), 2**53)))
def test_plain_round_trip(payload: dict[str, object]) -> None:
    encoded = encode_plain(payload)
    assert decode_plain(encoded + b"bytes behind it", max_bytes=LIMIT) == payload


def test_what_javascript_lacks_is_not_encoded() -> None:
    with pytest.raises(LocalProtocolError):
        encode_plain({"a": 2**53 + 1})


@pytest.mark.parametrize(
    ("algorithm", "iv", "ciphertext", "expected"),
    [
        ("AES-CBC", bytes(12), bytes(16), "algorithm AES-GCM at offset 0"),
        ("AES-GCM", bytes(11), bytes(16), "an iv of 12 bytes at offset 9"),
        ("AES-GCM", bytes(12), bytes(15), "the tag of 16 bytes at offset 22"),
    ],
)
def test_not_a_frame(algorithm: str, iv: bytes, ciphertext: bytes, expected: str) -> None:
    data = encode_var_string(algorithm) + encode_var_bytes(iv) + encode_var_bytes(ciphertext)
    with pytest.raises(DecodeError, match=expected):
        decode_frame(data, max_bytes=LIMIT)


@pytest.mark.parametrize("text", ["a", "YWI", "YW I=", "YWI=YWI=", "YWI-", "é", "\ud800"])
def test_not_base64(text: str) -> None:
    with pytest.raises(DecodeError, match="expected base64"):
        from_text(text, max_chars=LIMIT)


def test_padding() -> None:
    for size in range(4):
        assert from_text(to_text(bytes(size)), max_chars=LIMIT) == bytes(size)
    assert to_text(b"\xff\xfe") == base64.b64encode(b"\xff\xfe").decode()


def test_limits() -> None:
    frame, plain = encode_frame(bytes(12), bytes(16)), encode_plain({"a": 1})
    text = to_text(frame)
    assert decode_frame(frame, max_bytes=len(frame))
    assert decode_plain(plain, max_bytes=len(plain)) == {"a": 1}
    assert from_text(text, max_chars=len(text)) == frame
    with pytest.raises(MessageTooBigError):
        decode_frame(frame, max_bytes=len(frame) - 1)
    with pytest.raises(MessageTooBigError):
        decode_plain(plain, max_bytes=len(plain) - 1)
    with pytest.raises(MessageTooBigError):
        from_text(text, max_chars=len(text) - 1)


@quick
@given(st.binary(max_size=60) | damaged_bytes(frames))
def test_any_frame_raises_only_wire_errors(data: bytes) -> None:
    raises_only_wire_errors(lambda: decode_frame(data, max_bytes=100))


@quick
@given(
    st.binary(max_size=60)
    | damaged_bytes(st.builds(lambda v: encode_plain({"a": str(v)}), anything_in_json))
)
def test_any_plain_raises_only_wire_errors(data: bytes) -> None:
    raises_only_wire_errors(lambda: decode_plain(data, max_bytes=100))


@quick
@given(st.text(max_size=40) | damaged_text(frames.map(to_text)))
def test_any_text_raises_only_wire_errors(text: str) -> None:
    raises_only_wire_errors(lambda: from_text(text, max_chars=100))


def test_a_frame_is_told_from_plain_messages() -> None:
    assert is_frame(encode_frame(bytes(12), bytes(16)))
    assert not any(is_frame(bytes([kind, 7])) for kind in (0, 1, 3, 4, 80))
