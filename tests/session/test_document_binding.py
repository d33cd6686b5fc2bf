from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pycrdt import Array, Doc, Map, Text

from pyodide_rtc.session.document_binding import DocumentBinding, PeerOrigin
from pyodide_rtc.testing import run_virtual
from pyodide_rtc.wire.lib0 import encode_var_uint
from pyodide_rtc.wire.messages import StateCheck
from pyodide_rtc.wire.update_extent import extent_of


class Bound:
    """A document with what its binding tells."""

    def __init__(self, update: bytes = b"\0\0", doc: Doc[Any] | None = None) -> None:
        self.doc: Doc[Any] = doc or Doc()
        if doc is None:
            self.doc.apply_update(update)
        self.map: Map[Any] = self.doc.get("map", type=Map)
        self.changes: list[tuple[bytes, int | None]] = []
        self.large: list[int | None] = []
        self.before: list[bytes] = []
        self.answered: list[int] = []
        self.refused: list[tuple[int, str]] = []
        self.failed: list[tuple[int, str]] = []
        self.blocked: list[tuple[int, int]] = []
        self.errors: list[BaseException] = []
        self.binding = DocumentBinding(self.doc, asyncio.get_running_loop().call_soon, self)

    def on_change(self, update: bytes | None, source: int | None, before_state: bytes) -> None:
        if update is None:
            self.large.append(source)
        else:
            self.changes.append((update, source))
        self.before.append(before_state)

    def on_answered(self, link: int) -> None:
        self.answered.append(link)

    def on_refused(self, link: int, reason: str) -> None:
        self.refused.append((link, reason))

    def on_failed(self, link: int, reason: str) -> None:
        self.failed.append((link, reason))

    def on_blocked(self, link: int, waiting_bytes: int) -> None:
        self.blocked.append((link, waiting_bytes))

    def on_fault(self, error: BaseException) -> None:
        self.errors.append(error)

    @property
    def sources(self) -> list[int | None]:
        return [source for _, source in self.changes]


@pytest.fixture
async def bound() -> Bound:
    return Bound()


def update_of(**values: object) -> bytes:
    """An update of somebody else that sets keys."""
    doc: Doc[Any] = Doc()
    doc.get("map", type=Map).update(values)
    return doc.get_update()


async def turn() -> None:
    """Let everything happen that is due now."""
    for _ in range(3):
        await asyncio.sleep(0)


def replayed(updates: list[bytes]) -> dict[str, object]:
    doc: Doc[Any] = Doc()
    for update in updates:
        doc.apply_update(update)
    return doc.get("map", type=Map).to_py()


class TestState:
    async def test_it_is_given_below_a_size(self, bound: Bound) -> None:
        bound.map["x"] = 1
        state = bound.doc.get_update()

        assert bound.binding.state(len(state) + 1) == state
        assert bound.binding.state(len(state)) is None
        assert bound.binding.state(0) is None
        assert replayed([state]) == {"x": 1}

    async def test_a_large_one_is_not_weighed_again(self, bound: Bound) -> None:
        bound.map["x"] = "x" * 1000
        assert bound.binding.state(100) is None
        del bound.map["x"]

        assert bound.binding.state(100) is None


def updates_of(author: Doc[Any], keys: str) -> list[bytes]:
    """Set keys, and give each as an update."""
    updates: list[bytes] = []
    subscription = author.observe(lambda event: updates.append(event.update))
    for key in keys:
        author.get("map", type=Map)[key] = 1
    author.unobserve(subscription)
    return updates


def clocks_in(update: bytes) -> dict[int, list[tuple[int, int]]]:
    """The units of an update."""
    return extent_of(update).spans


class TestInventory:
    async def test_it_tells_what_the_document_has(self, bound: Bound) -> None:
        bound.map["x"] = 1

        inventory = bound.binding.inventory()

        assert inventory.check.state_vector == bound.doc.get_state()
        assert len(inventory.check.digest) == 8
        assert (inventory.missing, inventory.beyond) == (0, b"\0\0")

    @pytest.mark.parametrize("known", [0, 1, 2])
    async def test_so_is_what_it_has_behind_gaps(self, bound: Bound, known: int) -> None:
        author: Doc[Any] = Doc(client_id=7)
        updates = updates_of(author, "abcdef")
        before = bound.binding.inventory()
        for number in (*range(known), known + 1, known + 3):
            bound.binding.apply(1, updates[number])
        assert len(bound.map) == known + 2, "Yrs goes on behind gaps"

        inventory = bound.binding.inventory()
        assert clocks_in(inventory.beyond) == {7: [(known + 1, known + 2), (known + 3, known + 4)]}
        assert inventory.missing == 2
        assert inventory.check.digest != before.check.digest

        other: Doc[Any] = Doc()
        for update in (*updates[:known], inventory.beyond):
            other.apply_update(update)
        assert other.get("map", type=Map).to_py() == bound.map.to_py()
        for update in updates:
            bound.binding.apply(1, update)
        whole = bound.binding.inventory()
        assert whole.check == StateCheck(author.get_state(), before.check.digest)
        assert (whole.missing, whole.beyond) == (0, b"\0\0")

    @pytest.mark.parametrize("text", ["a📊", "📊", "📊📊", "📊x", "x"])
    async def test_half_a_character_is_never_read(self, bound: Bound, text: str) -> None:
        """Reproduces: an emoji was the last unit of a client, and Yrs panicked at its half."""
        author: Doc[Any] = Doc(client_id=7)
        author.get("text", type=Text).insert(0, text)
        bound.binding.apply(1, author.get_update())
        length = len(text.encode("utf-16-le")) // 2
        assert bound.binding.inventory().beyond == b"\0\0"

        updates = updates_of(author, "ab")
        bound.binding.apply(1, updates[1])
        inventory = bound.binding.inventory()

        assert clocks_in(inventory.beyond) == {7: [(length + 1, length + 2)]}
        assert inventory.missing == 1
        bound.doc.apply_update(inventory.beyond)
        bound.binding.apply(1, updates[0])
        assert bound.binding.state_vector == author.get_state()

    async def test_it_is_read_once_after_each_change(
        self, bound: Bound, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        reads = 0
        get_update = bound.doc.get_update

        def counted(state_vector: bytes) -> bytes:
            nonlocal reads
            reads += 1
            return get_update(state_vector)

        monkeypatch.setattr(bound.doc, "get_update", counted)
        first = bound.binding.inventory()
        assert bound.binding.inventory() is first
        bound.map["x"] = 1
        second = bound.binding.inventory()
        assert bound.binding.inventory() is second
        bound.binding.apply(1, update_of(y=2))
        third = bound.binding.inventory()
        del bound.map["x"]
        fourth = bound.binding.inventory()

        before = reads
        assert bound.binding.inventory() is fourth
        assert reads == before > 0
        vectors = [i.check.state_vector for i in (first, second, third)]
        assert len(set(vectors)) == 3
        assert fourth.check.digest != third.check.digest

    async def test_what_waits_is_not_what_it_has(self, bound: Bound) -> None:
        author: Doc[Any] = Doc(client_id=7)
        items = author.get("list", type=Array)
        items.append(1)
        before = author.get_state()
        items.insert(0, 2)  # has the first one to its right
        empty = bound.binding.inventory()

        bound.binding.apply(1, author.get_update(before))

        assert bound.binding.inventory() == empty


class TestOutgoing:
    @pytest.mark.parametrize("edits", [1, 2, 8, 9, 1000])
    async def test_edits_of_one_turn_are_one_update(self, bound: Bound, edits: int) -> None:
        for i in range(edits):
            bound.map["x"] = i
        assert bound.changes == [], "observers only enqueue"
        await turn()

        assert bound.sources == [None]
        assert replayed([bound.changes[0][0]]) == {"x": edits - 1}

    async def test_each_turn_has_its_own(self, bound: Bound) -> None:
        for i in range(3):
            bound.map["x"] = i
            await turn()

        assert bound.sources == [None] * 3
        assert replayed([u for u, _ in bound.changes]) == {"x": 2}

    async def test_many_edits_go_as_a_difference_that_is_small(self, bound: Bound) -> None:
        text = bound.doc.get("text", type=Text)
        for i in range(1000):
            text.insert(i, "x")
        await turn()

        [(update, _)] = bound.changes
        assert len(update) < 1100

    async def test_after_much_deletion_edits_go_merged(self, bound: Bound) -> None:
        # A difference tells all deletions that there ever were.
        text = bound.doc.get("text", type=Text)
        text.insert(0, "x" * 1000)
        for i in range(500):
            del text[i]
        await turn()
        bound.changes.clear()
        before = bound.doc.get_state()
        for i in range(10):
            bound.map["x"] = i
        await turn()

        [(update, _)] = bound.changes
        assert len(update) < len(bound.doc.get_update(before))
        other: Doc[Any] = Doc()
        other.apply_update(bound.doc.get_update())
        other.apply_update(update)
        assert other.get("map", type=Map)["x"] == 9

    async def test_each_has_the_state_before_it(self, bound: Bound) -> None:
        for i in range(3):
            for k in range(i + 1):
                bound.map["x"] = k
            await turn()

        edits_before = [0, 1, 3]
        for before, count in zip(bound.before, edits_before, strict=True):
            [head, clock] = before[0], before[-1]
            assert (head, clock) == (1, count)

    async def test_reading_and_repeating_say_nothing(self, bound: Bound) -> None:
        bound.map.to_py()
        with bound.doc.transaction():
            pass
        bound.binding.apply(1, update_of(x=1))
        bound.binding.flush_applied()
        bound.changes.clear()
        bound.binding.apply(1, bound.doc.get_update())
        bound.binding.flush_applied()

        assert bound.changes == []

    async def test_flush_does_not_wait_for_the_turns_end(self, bound: Bound) -> None:
        bound.map["x"] = 1
        bound.binding.flush()
        assert bound.sources == [None]
        await turn()

        assert bound.sources == [None], "and it goes once"

    async def test_closing_hands_on_what_is_left_and_then_nothing(self, bound: Bound) -> None:
        bound.map["x"] = 1
        bound.binding.close()
        bound.map["x"] = 2
        await bound.binding.closed
        bound.map["x"] = 3
        await turn()

        assert replayed([u for u, _ in bound.changes]) == {"x": 2}, "to the end of the turn"
        assert bound.map["x"] == 3, "the document stays"

    def test_a_transaction_is_waited_for_to_begin_and_to_end(self) -> None:
        """Reproduces: pycrdt panics if one observes within a transaction."""

        async def main() -> None:
            doc: Doc[Any] = Doc()
            shared = doc.get("map", type=Map)
            async with doc.new_transaction():
                shared["x"] = 1
                bound = Bound(doc=doc)
                await asyncio.sleep(1)
            await asyncio.sleep(1)
            assert bound.large == [None], "as a difference"
            shared["y"] = 2
            async with doc.new_transaction():
                shared["z"] = 3
                bound.binding.close()
                await asyncio.sleep(1)
                assert not bound.binding.closed.done()
            await bound.binding.closed
            assert replayed([u for u, _ in bound.changes]) == {"y": 2, "z": 3}

        run_virtual(main())


class TestIncoming:
    async def test_it_is_applied_at_once_with_its_link_as_origin(self, bound: Bound) -> None:
        origins: list[object] = []
        subscription = bound.map.observe(lambda _, txn: origins.append(txn.origin))

        bound.binding.apply(7, update_of(x=1))

        assert bound.map.to_py() == {"x": 1}
        assert origins == [PeerOrigin(7)]
        bound.map.unobserve(subscription)

    async def test_it_is_handed_on_with_its_link_as_source(self, bound: Bound) -> None:
        bound.binding.apply(7, update_of(x=1))
        bound.binding.flush_applied()

        assert bound.sources == [7]

    async def test_what_waited_for_it_is_handed_on_to_its_source_as_well(
        self, bound: Bound
    ) -> None:
        first, second = updates_of(Doc(), "ab")

        bound.binding.apply(7, second)  # waits for the first
        bound.binding.flush_applied()
        bound.binding.apply(8, first)
        await turn()

        change, source = bound.changes[-1]
        assert replayed([change]) == {"a": 1, "b": 1}
        assert source is None, "7 may lack the first one, 8 the second one"

    async def test_a_large_one_is_told_of_and_not_handed_on(self, bound: Bound) -> None:
        bound.binding.apply(7, update_of(a=1))
        bound.binding.flush_applied()
        bound.binding.apply(7, update_of(large="x" * 1_000_000))
        bound.binding.apply(7, update_of(small=1))
        bound.binding.flush_applied()

        assert bound.large == [7]
        assert bound.sources == [7], "of the first one"
        difference = replayed([bound.binding.diff(bound.before[-1])])
        assert difference == {"large": "x" * 1_000_000, "small": 1}

    async def test_a_large_one_that_says_nothing_new_is_not_told_of(self, bound: Bound) -> None:
        update = update_of(large="x" * 1_000_000)
        bound.binding.apply(7, update)
        bound.binding.flush_applied()
        bound.binding.apply(8, update)
        bound.binding.flush_applied()
        assert bound.large == [7]

        del bound.map["large"]
        await turn()
        assert bound.sources == [None], "what follows is heard"

    async def test_a_large_one_that_only_deletes_is_told_of(self, bound: Bound) -> None:
        other: Doc[Any] = Doc(client_id=7)
        other.get("text", type=Text).insert(0, "hello")
        bound.binding.apply(7, other.get_update())
        bound.binding.flush_applied()
        ranges = b"\x01\x01" * 500_000  # the letter e, again and again
        deletions = b"\0\x01\x07" + encode_var_uint(500_000) + ranges
        bound.binding.apply(7, deletions)
        bound.binding.flush_applied()

        assert str(bound.doc.get("text", type=Text)) == "hllo"
        assert bound.large == [7]

    async def test_one_update_for_each_source(self, bound: Bound) -> None:
        bound.map["mine"] = 1
        bound.binding.apply(7, update_of(a=1))
        bound.binding.apply(8, update_of(b=1))
        bound.binding.apply(7, update_of(c=1))
        bound.map["mine"] = 2
        bound.binding.flush_applied()

        assert bound.sources == [None, 7, 8], "in the order of the first change of each"
        by_source = {source: replayed([update]) for update, source in bound.changes}
        assert by_source[7] == {"a": 1, "c": 1}
        assert by_source[8] == {"b": 1}

    async def test_what_was_edited_here_goes_before_a_difference_that_tells_its_deletions(
        self, bound: Bound
    ) -> None:
        bound.map["at"] = 0
        bound.binding.flush()
        bound.map["at"] = 1
        for i in range(20):  # so many go as a difference
            bound.binding.apply(7, update_of(**{f"k{i}": i}))
        bound.binding.flush_applied()

        assert bound.sources == [None, None, 7]
        updates = [update for update, _ in bound.changes]
        for count in range(1, 4):
            assert "at" in replayed(updates[:count]), "it is never seen as deleted"

    def test_it_waits_while_user_code_holds_a_transaction(self) -> None:
        async def main() -> None:
            bound = Bound()
            async with bound.doc.new_transaction():
                bound.map["mine"] = 1
                bound.binding.apply(7, update_of(a=1))
                bound.binding.apply(8, update_of(b=1))
                await asyncio.sleep(10)
                assert bound.map.to_py() == {"mine": 1}
            await asyncio.sleep(1)

            assert bound.map.to_py() == {"mine": 1, "a": 1, "b": 1}
            assert bound.sources == [None, 7, 8], "each with its own source, in order"

        run_virtual(main())

    def test_while_it_waits_there_is_a_limit(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def main() -> None:
            bound = Bound()
            large, small = update_of(large="x" * 2000), update_of(small=1)
            monkeypatch.setattr("pyodide_rtc.session.document_binding.MAX_BLOCKED_BYTES", 1000)
            async with bound.doc.new_transaction():
                bound.binding.apply(7, large)
                assert bound.blocked == [], "one may be of any size"
                bound.binding.apply(8, small)
                assert bound.blocked == [(8, len(large))]
            await asyncio.sleep(1)
            bound.binding.apply(8, small)

            assert bound.map.to_py() == {"large": "x" * 2000, "small": 1}
            assert len(bound.blocked) == 1

        run_virtual(main())

    async def test_an_answer_is_told_once_it_is_in(self, bound: Bound) -> None:
        bound.binding.apply(7, update_of(a=1))
        assert bound.answered == [], "it was none"
        bound.binding.apply(7, update_of(b=1), is_answer=True)
        assert bound.answered == [7]
        bound.binding.apply(8, b"not an update", is_answer=True)
        assert bound.answered == [7]

    def test_an_answer_that_waits_is_told_later(self) -> None:
        async def main() -> None:
            bound = Bound()
            async with bound.doc.new_transaction():
                bound.map["mine"] = 1
                bound.binding.apply(7, update_of(a=1), is_answer=True)
                await asyncio.sleep(10)
                assert bound.answered == []
            await asyncio.sleep(1)
            assert bound.answered == [7]

        run_virtual(main())

    def test_what_waits_when_the_room_closes_is_taken_all_the_same(self) -> None:
        async def main() -> None:
            bound = Bound()
            async with bound.doc.new_transaction():
                bound.binding.apply(7, update_of(a=1))
                bound.binding.apply(7, update_of(large="x" * 1_200_000))
                bound.binding.close()
            await asyncio.sleep(10)

            assert bound.map.to_py() == {"a": 1, "large": "x" * 1_200_000}
            assert bound.large == [7], "told, so that it is kept"
            bound.binding.close()  # twice is no error
            await asyncio.sleep(1)

        run_virtual(main())

    @pytest.mark.parametrize("garbage", [b"", b"\xff", b"\x01\x01\x01", b"not an update"])
    async def test_a_refused_update_is_told_and_the_next_applied(
        self, bound: Bound, garbage: bytes
    ) -> None:
        bound.binding.apply(7, garbage)
        bound.binding.apply(8, update_of(x=1))
        bound.binding.flush_applied()

        assert [link for link, _ in bound.refused] == [7]
        assert bound.refused[0][1], "with a reason"
        assert bound.map.to_py() == {"x": 1}
        assert bound.sources == [8]

    async def test_a_value_that_nests_too_deep_is_refused(self, bound: Bound) -> None:
        """Reproduces: 60 kB of a peer ended the process, for Yrs reads values by recursion."""
        deep = b"\1\1\1\0\x08\1\1r\1" + b"\x75\1" * 30_000 + b"\x7e\0"
        bound.binding.apply(1, deep)
        bound.binding.apply(1, update_of(y=2))

        assert bound.refused == [(1, "a value nests deeper than 1000 levels")]
        assert bound.map["y"] == 2

    async def test_a_panic_of_the_document_is_told(
        self, bound: Bound, caplog: pytest.LogCaptureFixture
    ) -> None:
        # Five bytes suffice, a known client without structs: Yrs 0.28 in BlockSet::exclude.
        bound.map["x"] = 1
        panic = b"\x01\0" + encode_var_uint(bound.doc.client_id) + b"\0\0"
        bound.binding.apply(7, panic, is_answer=True)
        bound.binding.apply(8, update_of(y=1), is_answer=True)
        bound.binding.flush()

        assert [link for link, _ in bound.failed] == [7]
        assert bound.refused == [], "it may be an honest one"
        assert "failed on an update" in caplog.text
        assert bound.answered == [8]
        assert bound.map.to_py() == {"x": 1, "y": 1}
        assert bound.sources == [None, 8]

    @pytest.mark.parametrize("error", [KeyboardInterrupt, asyncio.CancelledError])
    async def test_what_is_no_panic_is_not_caught(
        self, bound: Bound, error: type[BaseException], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def interrupt(update: bytes) -> None:
            raise error

        monkeypatch.setattr(bound.doc, "apply_update", interrupt)
        with pytest.raises(error):
            bound.binding.apply(7, update_of(x=1))

        assert bound.refused == []

    async def test_what_a_users_observer_raises_is_told_and_harms_nothing(
        self, bound: Bound, caplog: pytest.LogCaptureFixture
    ) -> None:
        def fail(event: object) -> None:
            raise KeyError("of the user")

        subscription = bound.map.observe(fail)
        bound.binding.apply(7, update_of(x=1))
        bound.binding.apply(7, update_of(y=1))
        bound.binding.flush_applied()

        assert bound.map.to_py() == {"x": 1, "y": 1}
        assert len(bound.errors) == 2
        assert "of the user" in repr(bound.errors[0])
        assert bound.refused == []
        assert bound.sources == [7], "the others get it all the same"
        assert "observer failed" in caplog.text
        bound.map.unobserve(subscription)

    async def test_an_observer_that_raises_in_the_users_own_edit_raises_there(
        self, bound: Bound
    ) -> None:
        def fail(event: object) -> None:
            raise KeyError("of the user")

        subscription = bound.map.observe(fail)
        with pytest.raises(ExceptionGroup):
            bound.map["x"] = 1
        await turn()

        assert bound.errors == []
        assert replayed([u for u, _ in bound.changes]) == {"x": 1}, "the edit is in, and goes out"
        bound.map.unobserve(subscription)


async def test_state_vector_and_difference_are_the_documents(bound: Bound) -> None:
    bound.map["x"] = 1

    assert bound.binding.state_vector == bound.doc.get_state()
    assert replayed([bound.binding.diff(b"\0")]) == {"x": 1}
    with pytest.raises(ValueError):
        bound.binding.diff(b"\xff\xff")
