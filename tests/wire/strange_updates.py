"""Updates as somebody might make them: of all kinds of contents and references, and broken ones."""

from __future__ import annotations

from random import Random
from typing import Any

from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment, XmlText

from pyodide_rtc.wire.lib0 import encode_var_uint

CLIENTS = (1, 7, 77, 2**32 + 5, 2**53 - 1)
_TYPES = range(17)
_WORDS = ("abc", "é📊", "", "x" * 20)


def strange_update(random: Random, *, has_json: bool = True) -> bytes:
    """Make an update out of any structs.

    Args:
        random: what chooses.
        has_json: whether there may be the old JSON contents, of which Yrs 0.28 reads one too many,
            and kinds that are none.
    """
    clients = random.sample(CLIENTS, random.choice((1, 1, 2)))
    data = encode_var_uint(len(clients))
    for client in clients:
        structs = [_struct(random, client, has_json) for _ in range(random.choice((1, 1, 2, 3)))]
        for number in (len(structs), client, random.choice((0, 0, 0, 1, 5))):
            data += encode_var_uint(number)
        data += b"".join(structs)
    return data + random.choice((b"\0", b"\0", b"\1\7\1\0\1"))


def broken_update(random: Random) -> bytes:
    """Change up to three bytes of a real update."""
    data = bytearray(_real_update(random))
    for _ in range(random.choice((1, 1, 2, 3))):
        at = random.randrange(len(data))
        match random.randrange(3):
            case 0:
                data[at] = random.randrange(256)
            case 1:
                data.insert(at, random.randrange(256))
            case _:
                data[at] ^= 1 << random.randrange(8)
    return bytes(data)


def _real_update(random: Random) -> bytes:
    doc: Doc[Any] = Doc(client_id=random.choice((1, 7)))
    text, shared_map = doc.get("t", type=Text), doc.get("m", type=Map)
    array, xml = doc.get("a", type=Array), doc.get("x", type=XmlFragment)
    for _ in range(random.randrange(1, 7)):
        match random.randrange(6):
            case 0:
                text.insert(0, random.choice(_WORDS))
            case 1:
                shared_map["k"] = random.choice((1, 2.5, True, None, {"a": [1]}, b"x"))
            case 2:
                array.append(random.choice((1, "s", Map({"q": 1}), Text("in"), Doc())))
            case 3 if len(text) > 2:
                del text[0:1]
            case 4:
                text.insert(0, "f", {"bold": True})
            case _:
                xml.children.append(XmlElement("p", {}, [XmlText("hi")]))
    return doc.get_update()


def _string(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return encode_var_uint(len(data)) + data


def _struct(random: Random, client: int, has_json: bool) -> bytes:
    kinds = [0, 10, 1, 3, 4, 5, 6, 7, 7, 7, 8, 9] + ([2, 11, random.randrange(32)] * has_json)
    kind = random.choice(kinds)
    if kind in (0, 10):
        return bytes([kind]) + encode_var_uint(random.choice((0, 1, 2)))
    info, data = kind, b""
    for flag in (0x80, 0x40):
        if random.random() < 0.25:
            info |= flag
            data += encode_var_uint(client) + encode_var_uint(random.choice((0, 1)))
    has_key = random.random() < 0.3
    info |= 0x20 * has_key
    if not info & 0xC0:
        is_named = random.random() < 0.9
        data += b"\1" + _string("root") if is_named else b"\0" + encode_var_uint(client) + b"\0"
        data += _string("key") * has_key
    return bytes([info]) + data + _content(random, kind)


def _content(random: Random, kind: int) -> bytes:
    count = random.randrange(3)
    match kind:
        case 1:
            return encode_var_uint(random.choice((0, 1, 2, 5)))
        case 2:
            return encode_var_uint(count) + b"".join(_string("1") for _ in range(count))
        case 3:
            return _string(random.randbytes(count))
        case 4:
            return _string(random.choice(_WORDS))
        case 5:
            return _string(random.choice(("1", '{"a": 1}', "nothing")))
        case 6:
            return _string("bold") + _string(random.choice(("true", "null", "nothing")))
        case 7:
            reference = random.choice(_TYPES)
            return encode_var_uint(reference) + _string("p") * (reference == 3)
        case 8:
            return encode_var_uint(count) + b"".join(_value(random) for _ in range(count))
        case 9:
            return _string("guid") + _value(random)
    return random.randbytes(random.randrange(8))


def _value(random: Random, depth: int = 0) -> bytes:
    count = random.randrange(3) if depth < 3 else 0
    tag = random.choice((*range(115, 128), random.randrange(256)))
    data = bytes([tag])
    match tag:
        case 125:
            return data + random.choice((b"\x05", b"\x45", b"\xbf\x01", b"\xff\xff\xff\xff\x0f"))
        case 124 | 123 | 122:
            return data + random.randbytes(4 if tag == 124 else 8)
        case 119:
            return data + _string(random.choice(_WORDS))
        case 118:
            pairs = (_string("k") + _value(random, depth + 1) for _ in range(count))
            return data + encode_var_uint(count) + b"".join(pairs)
        case 117:
            values = (_value(random, depth + 1) for _ in range(count))
            return data + encode_var_uint(count) + b"".join(values)
        case 116:
            return data + _string(random.randbytes(3))
    return data
