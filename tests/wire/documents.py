"""Documents with everything in them, made by pycrdt from a seed; and how updates are replayed."""

from __future__ import annotations

from random import Random
from typing import Any

from pycrdt import Array, Doc, Map, Text, XmlElement, XmlFragment, XmlText

from pyodide_rtc.wire.lib0 import Reader
from pyodide_rtc.wire.update_scan import Scanner

WORDS = ("a", "Wort", "wörld", "🌍🌍", "日本語", "x" * 90, "e\u0301", "👨\u200d👩\u200d👧")
VALUES = (
    None, True, False, 0, -5, 2**31, 2**60, 0.5, 1e300, "text", "🌍" * 40, b"\x00\xff" * 30,
    [1, [2, {"a": [None]}]], {"k": "v", "n": {"deep": [1.5]}}, [], {},
)  # fmt: skip


def random_document(seed: int, *, edits: int = 60, clients: int = 3) -> Doc[Any]:
    """A document that several clients have edited, apart and together."""
    random = Random(seed)
    docs = [Doc[Any](client_id=random.randrange(1, 2**32)) for _ in range(clients)]
    for _ in range(edits):
        doc = random.choice(docs)
        _edit(doc, random)
        if random.random() < 0.2:
            doc.apply_update(random.choice(docs).get_update())
    for doc in docs[1:]:
        docs[0].apply_update(doc.get_update())
    return docs[0]


def _edit(doc: Doc[Any], random: Random) -> None:
    text = doc.get("text", type=Text)
    rich = doc.get("rich", type=Text)
    array = doc.get("array", type=Array)
    shared_map = doc.get("map", type=Map)
    value = random.choice(VALUES)
    match random.randrange(9):
        case 0 | 1:
            text.insert(_place(str(text), random), random.choice(WORDS))
        case 2 if len(text) > 0:
            content = str(text)
            first = random.randrange(len(content))
            last = min(len(content), first + random.randrange(1, 5))
            del text[len(content[:first].encode()) : len(content[:last].encode())]
        case 3:
            rich.insert(random.randint(0, len(rich)), random.choice("abc") * 20)
            rich.format(0, random.randint(1, len(rich)), {"bold": random.random() < 0.7})
        case 4:
            rich.insert_embed(0, {"image": random.choice(WORDS)})
        case 5:
            array.insert(random.randint(0, len(array)), value)
            array.extend([random.choice(VALUES) for _ in range(random.randrange(8))])
        case 6 if len(array) > 2:
            del array[random.randrange(len(array))]
        case 7:
            key = random.choice("abcd")
            shared_map[key] = random.choice([value, Map({"in": Text("nested")}), Array([value])])
        case _:
            _edit_xml(doc, random)


def _edit_xml(doc: Doc[Any], random: Random) -> None:
    fragment = doc.get("xml", type=XmlFragment)
    element = fragment.children.append(XmlElement("section"))
    element.attributes["title"] = random.choice(WORDS)
    element.children.append(XmlText(random.choice(WORDS)))


def _place(content: str, random: Random) -> int:
    """A place in a text between two characters; pycrdt counts in bytes."""
    return len(content[: random.randint(0, len(content))].encode())


def replayed(updates: list[bytes]) -> Doc[Any]:
    """A new document that has taken these updates."""
    doc: Doc[Any] = Doc()
    for update in updates:
        doc.apply_update(update)
    return doc


def everything(doc: Doc[Any]) -> dict[str, object]:
    """All that two equal documents have in common; their bytes differ in the order of keys."""
    return {
        "text": str(doc.get("text", type=Text)),
        "rich": doc.get("rich", type=Text).diff(),
        "array": doc.get("array", type=Array).to_py(),
        "map": doc.get("map", type=Map).to_py(),
        "xml": str(doc.get("xml", type=XmlFragment)),
        "state": state_of(doc.get_state()),
        "deleted": deleted_in(doc.get_update()),
    }


def state_of(state_vector: bytes) -> dict[int, int]:
    reader = Reader(state_vector, max_bytes=None)
    return {reader.var_uint(): reader.var_uint() for _ in range(reader.var_uint())}


def deleted_in(update: bytes) -> set[tuple[int, int]]:
    """Every client id and clock that an update deletes."""
    scanner = Scanner(update)
    for _ in scanner.structs():
        pass
    reader = Reader(update[scanner.at :], max_bytes=None)
    gone = set()
    for _ in range(reader.var_uint()):
        client = reader.var_uint()
        for _ in range(reader.var_uint()):
            start, length = reader.var_uint(), reader.var_uint()
            gone |= {(client, clock) for clock in range(start, start + length)}
    return gone
