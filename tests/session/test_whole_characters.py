"""What stock pages do to half a character, in bytes: no document of Yrs could do it."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pycrdt import Doc, Text, UndoManager, merge_updates
from seeds import seeds

from pyodide_rtc.session.document_binding import DocumentBinding
from pyodide_rtc.wire.lib0 import encode_var_string, encode_var_uint
from pyodide_rtc.wire.state import Units, decode_state_vector, decode_units
from pyodide_rtc.wire.update_extent import extent_of
from pyodide_rtc.wire.update_scan import HAS_ORIGIN, STRING, Scanner

CASES = json.loads(
    (Path(__file__).parents[1] / "vectors" / "yjs-half-characters.json").read_text()
)["cases"]
LINK = 7
HAS_RIGHT_ORIGIN = 0x40


class Bound:
    """A document with what its binding tells."""

    def __init__(self, doc: Doc[Any] | None = None) -> None:
        self.doc: Doc[Any] = Doc() if doc is None else doc
        self.text: Text = self.doc.get("t", type=Text)
        self.changes: list[tuple[bytes, int | None]] = []
        self.failed: list[str] = []
        self.answered: list[int] = []
        self.errors: list[BaseException] = []
        self.binding = DocumentBinding(self.doc, asyncio.get_running_loop().call_soon, self)

    def on_change(self, update: bytes | None, source: int | None, before_state: bytes) -> None:
        assert update is not None
        self.changes.append((update, source))

    def on_answered(self, link: int) -> None:
        self.answered.append(link)

    def on_refused(self, link: int, reason: str) -> None:
        raise AssertionError(reason)

    def on_failed(self, link: int, reason: str) -> None:
        self.failed.append(reason)

    def on_blocked(self, link: int, waiting_bytes: int) -> None:
        raise AssertionError(waiting_bytes)

    def on_fault(self, error: BaseException) -> None:
        self.errors.append(error)

    def take(self, *updates: bytes) -> list[tuple[bytes, int | None]]:
        """Take updates of a page, and give what is told of them."""
        self.changes.clear()
        for update in updates:
            self.binding.apply(LINK, update)
        self.binding.flush()
        return self.changes

    @property
    def is_sound(self) -> bool:
        """Whether Yrs counts as many units as it writes."""
        clocks = decode_state_vector(self.doc.get_state())
        spans = extent_of(self.doc.get_update()).spans
        return spans == {client: [(0, clock)] for client, clock in clocks.items()}


def written(text: str) -> bytes:
    doc: Doc[Any] = Doc(client_id=1)
    doc.get("t", type=Text).insert(0, text)
    return doc.get_update()


def deleting(client: int, clock: int, length: int = 1) -> bytes:
    return b"\0\1" + uints(client, 1, clock, length)


def uints(*numbers: int) -> bytes:
    return b"".join(map(encode_var_uint, numbers))


def inserting(client: int, clock: int, text: str, behind: tuple[int, int]) -> bytes:
    """Write between a unit and the next one."""
    author, at = behind
    ids = uints(author, at, author, at + 1)
    info = bytes([STRING | HAS_ORIGIN | HAS_RIGHT_ORIGIN])
    return uints(1, 1, client, clock) + info + ids + encode_var_string(text) + b"\0"


def deletions_of(update: bytes) -> Units:
    return decode_units(extent_of(update).deletions)


def filled_before() -> Bound:
    doc: Doc[Any] = Doc()
    doc.apply_update(written("a📊b"))
    return Bound(doc)


async def test_the_character_behind_it_stays() -> None:
    """Reproduces: half an emoji was deleted, and Yrs deleted the letter behind it."""
    for clock in (1, 2):
        bound = filled_before()
        bound.take(deleting(1, clock))

        assert str(bound.text) == "ab"
        assert bound.is_sound


@pytest.mark.parametrize("is_before", [True, False], ids=["before", "came"])
@pytest.mark.parametrize("name", CASES)
async def test_the_other_half_goes_back_to_the_page(name: str, is_before: bool) -> None:
    bound = filled_before() if is_before else Bound()
    bound.take(written("a📊b"))

    changes = bound.take(bytes.fromhex(CASES[name]["update"]))

    assert str(bound.text) == CASES[name]["rest"]
    assert bound.is_sound
    mend, source = changes[0]
    assert source is None, "as if it were made here"
    assert deletions_of(mend) == {1: [(1, 3)]}
    assert all(source == LINK for _, source in changes[1:])
    again: Doc[Any] = Doc()
    again.apply_update(bound.doc.get_update())
    assert str(again.get("t", type=Text)) == CASES[name]["rest"]


async def test_what_was_written_here_is_known_as_well() -> None:
    bound = Bound(Doc(client_id=1))
    bound.take(b"\0\0")
    bound.text.insert(0, "a📊b")

    bound.take(deleting(1, 2))

    assert (str(bound.text), bound.is_sound) == ("ab", True)


async def test_what_was_written_before_it_was_heard_is_known_as_well() -> None:
    doc: Doc[Any] = Doc(client_id=1)
    async with doc.new_transaction():
        bound = Bound(doc)
        bound.text.insert(0, "a📊b")
    await asyncio.sleep(0.05)

    bound.take(deleting(1, 2))

    assert (str(bound.text), bound.is_sound) == ("ab", True)


async def test_undo_does_not_bring_it_back() -> None:
    bound = filled_before()
    manager = UndoManager(scopes=[bound.text])
    bound.text.insert(0, "mine ")

    bound.take(deleting(1, 2))
    manager.undo()

    assert str(bound.text) == "ab"


async def test_an_observer_that_fails_is_told_and_the_update_is_in() -> None:
    bound = filled_before()

    def fail(_event: object, _txn: object) -> None:
        raise KeyError("of the user")

    subscription = bound.text.observe(fail)
    bound.take(bytes.fromhex(CASES["a letter between the halves"]["update"]))
    bound.text.unobserve(subscription)

    assert str(bound.text) == "aXb"
    assert len(bound.errors) == 2, "once for the mend"


async def test_one_update_with_text_and_cut_becomes_what_it_is_for_yjs() -> None:
    bound = Bound()

    bound.take(
        merge_updates(written("a📊b"), bytes.fromhex(CASES["the first half deleted"]["update"]))
    )

    assert (str(bound.text), bound.is_sound) == ("a\ufffdb", True)


async def test_a_cut_that_comes_before_the_text_is_the_same() -> None:
    bound = Bound()

    bound.take(inserting(9, 0, "X", (1, 1)), deleting(1, 2), written("a📊b"))

    assert (str(bound.text), bound.is_sound) == ("a\ufffdXb", True)


def text_that_waits() -> tuple[bytes, bytes]:
    """A word, and another one behind it, with an emoji."""
    first: Doc[Any] = Doc(client_id=2)
    first.get("t", type=Text).insert(0, "w")
    doc: Doc[Any] = Doc(client_id=1)
    doc.apply_update(first.get_update())
    before = doc.get_state()
    doc.get("t", type=Text).insert(1, "a📊b")
    return first.get_update(), doc.get_update(before)


async def test_a_cut_in_text_that_waits_is_told_and_comes_again() -> None:
    first, second = text_that_waits()
    bound = Bound()
    cut = inserting(9, 0, "X", (1, 1))

    bound.take(second, cut)
    assert len(bound.failed) == 1
    assert "is asked for again" in bound.failed[0]
    bound.take(first)
    bound.take(cut)

    assert (str(bound.text), bound.is_sound) == ("waXb", True)


async def test_a_large_update_is_known_as_well() -> None:
    bound = Bound()
    bound.binding.apply(LINK, written("x" * 1_000_000 + "📊b"))

    bound.binding.apply(LINK, deleting(1, 1_000_001))

    assert str(bound.text) == "x" * 1_000_000 + "b"


class Net:
    """Documents of ours, each linked with all, and a page that cuts at units."""

    def __init__(self, random: Random, count: int) -> None:
        self.random = random
        self.ours = [Bound(Doc(client_id=10 + i)) for i in range(count)]
        self.queues: dict[tuple[int, int], list[bytes]] = {
            (a, b): [] for a in range(count) for b in range(count) if a != b
        }
        self.letters: dict[tuple[int, int], str] = {}
        self.deleted: set[tuple[int, int]] = set()
        self.page_clock = 0

    def edit(self) -> None:
        index = self.random.randrange(len(self.ours))
        text = self.ours[index].text
        content = str(text)
        at, end = sorted(self.random.randint(0, len(content)) for _ in range(2))
        start = len(content[:at].encode())
        if self.random.random() < 0.7:
            text.insert(start, self.random.choice(("a", "📊", "b📊c", "📊📊", "é", "xyz")))
        else:
            del text[start : start + len(content[at : min(end, at + 3)].encode())]
        self.pass_on(index)

    def cut(self) -> None:
        index = self.random.randrange(len(self.ours))
        spans = extent_of(self.ours[index].doc.get_update()).spans
        if not spans:
            return
        client = self.random.choice(sorted(spans))
        end = spans[client][-1][1]
        clock = self.random.randrange(end)
        if self.random.random() < 0.5 or clock + 1 == end:
            update = deleting(client, clock, min(end - clock, self.random.randint(1, 3)))
        else:
            update = inserting(99, self.page_clock, "p", (client, clock))
            self.page_clock += 1
        self.note(update)
        for to in [index, *range(len(self.ours))]:
            self.ours[to].binding.apply(LINK, update)
            self.pass_on(to)

    def note(self, update: bytes) -> None:
        for client, clock, struct in Scanner(update).structs():
            if struct.kind == STRING:
                units = Scanner(update, struct.content).string().decode().encode("utf-16-le")
                for i in range(struct.clocks):
                    letter = units[2 * i : 2 * i + 2].decode("utf-16-le", "ignore")
                    self.letters[client, clock + i] = letter
        for client, ranges in deletions_of(update).items():
            self.deleted |= {(client, c) for start, end in ranges for c in range(start, end)}

    def pass_on(self, index: int) -> None:
        bound = self.ours[index]
        bound.binding.flush()
        for update, source in bound.changes:
            if source is None:
                self.note(update)
                for to in range(len(self.ours)):
                    if to != index:
                        self.queues[index, to].append(update)
        bound.changes.clear()

    def deliver(self, count: int) -> None:
        for (sender, to), queue in self.queues.items():
            if self.random.random() < 0.5:
                for update in queue[:count]:
                    self.ours[to].binding.apply(sender, update)
                del queue[:count]
                self.pass_on(to)

    def settle(self) -> None:
        for _ in range(2):
            while any(self.queues.values()):
                self.deliver(100)
            for (sender, to), queue in self.queues.items():
                queue.append(self.ours[sender].binding.diff(self.ours[to].doc.get_state()))

    @property
    def survivors(self) -> Counter[str]:
        """The letters of one unit that nobody has deleted."""
        return Counter(c for unit, c in self.letters.items() if c and unit not in self.deleted)


@pytest.mark.parametrize("seed", seeds(90))
async def test_no_other_character_is_lost_and_all_agree(seed: int) -> None:
    net = Net(Random(seed), 3)
    for _ in range(60):
        net.random.choice((net.edit, net.edit, net.cut))()
        net.deliver(net.random.randint(0, 3))
    net.settle()
    net.settle()

    texts = [str(bound.text) for bound in net.ours]
    assert texts == texts[:1] * 3
    assert all(bound.is_sound for bound in net.ours)
    left = Counter(c for c in texts[0] if c < "\U00010000" and c != "\ufffd")
    assert left == net.survivors
