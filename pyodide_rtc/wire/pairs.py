"""Finds where an update cuts a character in half, and says how that is mended.

JavaScript counts a text in UTF-16 units, one clock each, and a character beyond U+FFFF is a *pair*
of them. Yjs lets people delete, write and format between the two: it puts U+FFFD in the place of
each half. Yrs 0.28 cannot. It leaves the whole character on one side and counts wrongly from there
on, so that text behind the character vanishes. Hence a pair that is cut is deleted as a whole, and
before: a text may be parted anywhere within what is deleted.

Owns which characters are pairs, and where updates part a text. Must not know documents.

Source: yjs 13.6 ContentString.js ``splice``; yrs 0.28 block.rs ``split_str``, ``ItemPtr::splice``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pyodide_rtc.errors import DecodeError
from pyodide_rtc.wire.lib0 import encode_var_bytes
from pyodide_rtc.wire.state import Units, encode_units
from pyodide_rtc.wire.update_scan import HAS_ORIGIN, STRING, Scanner, Struct

__all__ = ["Mended", "Pairs"]

_PAIR_IN_UTF8: Final = re.compile(rb"[\xf0-\xf4][\x80-\xbf]{3}")
_PAIR_IN_TEXT: Final = re.compile("[\U00010000-\U0010ffff]")
_CUT_PAIR: Final = "\ufffd\ufffd"
"""What Yjs makes of a pair when it parts a text there: two characters of one unit each."""

_PAGE_CLOCKS: Final = 1024
"""So many clocks share one number: 1 MB of emoji takes 200 kB so, where a set of clocks takes
16 MB, and one emoji in a long text 400 bytes."""

_MAX_EARLY_CUTS: Final = 10_000
"""Changes seldom come before those that they build upon, and are few then."""


@dataclass(frozen=True, slots=True)
class Mended:
    """How an update is applied without cutting a character.

    Args:
        cut: the pairs of the document that the update would cut; they are to be deleted before.
        update: what to apply then.
    """

    cut: Units
    update: bytes

    @property
    def deletions(self) -> bytes:
        """An update that deletes the pairs that would be cut."""
        return b"\0" + encode_units(self.cut)


class Pairs:
    """The pairs in the texts of one document."""

    def __init__(self) -> None:
        self._pages: dict[tuple[int, int], int] = {}  # second units, as the bits of numbers
        self._early_cuts: set[tuple[int, int]] = set()

    def __contains__(self, unit: tuple[int, int]) -> bool:
        """Return whether a client's clock is that of a second unit: one may not cut before it."""
        page, bit = _place(*unit)
        return bool(self._pages.get(page, 0) >> bit & 1)

    def learn(self, update: bytes) -> None:
        """Remember the pairs of an update that the document has, or will have.

        Args:
            update: in format v1. If it is none, it may have pairs up to where it goes wrong.
        """
        if _PAIR_IN_UTF8.search(update) is None:
            return  # so it is with most, and costs next to nothing
        scanner = Scanner(update)
        try:
            for client, clock, struct in scanner.structs():
                for unit, _ in _pairs_in(update, clock, struct):
                    self._add(client, unit)
        except DecodeError:
            pass  # the document refuses it

    def mend(self, update: bytes) -> Mended:
        """Say how an update is applied without cutting a pair, and remember the pairs in it.

        A pair that comes with its cut, or after it, becomes what it is for Yjs: U+FFFD twice.

        Args:
            update: in format v1. What is none stays as it is.
        """
        own = Pairs()
        own.learn(update)
        if not self._pages and not own._pages:
            return Mended({}, update)
        try:
            cuts = {unit for unit in _parted_at(update) if unit in self or unit in own}
        except DecodeError:
            return Mended({}, update)
        here = {unit for unit in cuts if unit in self}
        brought = {unit for unit in cuts if unit in own}
        if own._pages:
            brought |= {unit for unit in self._early_cuts if unit in own}
        for page, bits in own._pages.items():
            self._pages[page] = self._pages.get(page, 0) | bits
        for unit in brought - here:
            self._remove(*unit)
        self._early_cuts -= brought
        return Mended(_units_of(here), _with_cut_pairs(update, brought) if brought else update)

    def forget(self, pairs: Units) -> None:
        """Forget pairs that are deleted: to cut them does no harm.

        Args:
            pairs: some of those that `mend` has found cut.
        """
        for client, ranges in pairs.items():
            for start, _ in ranges:
                self._remove(client, start + 1)

    def expect(self, update: bytes, clocks: dict[int, int]) -> None:
        """Remember where an update that waits in the document parts texts that are to come.

        Args:
            update: in format v1. One that is none parts nothing.
            clocks: how far the document goes, by client id.
        """
        try:
            early = {unit for unit in _parted_at(update) if unit[1] > clocks.get(unit[0], 0)}
        except DecodeError:
            return
        self._early_cuts |= early
        if len(self._early_cuts) > _MAX_EARLY_CUTS:
            self._early_cuts = early

    def _add(self, client: int, clock: int) -> None:
        page, bit = _place(client, clock)
        self._pages[page] = self._pages.get(page, 0) | 1 << bit

    def _remove(self, client: int, clock: int) -> None:
        page, bit = _place(client, clock)
        bits = self._pages.pop(page, 0) & ~(1 << bit)
        if bits:
            self._pages[page] = bits


def _units_of(pairs: set[tuple[int, int]]) -> Units:
    """Return both units of pairs, which are given by the second one."""
    units: Units = {}
    for client, clock in sorted(pairs):
        units.setdefault(client, []).append((clock - 1, clock + 1))
    return units


def _place(client: int, clock: int) -> tuple[tuple[int, int], int]:
    number, bit = divmod(clock, _PAGE_CLOCKS)
    return (client, number), bit


def _pairs_in(update: bytes, clock: int, struct: Struct) -> Iterator[tuple[int, int]]:
    """Yield the pairs of a struct: the clock of the second unit, and which character it is.

    Args:
        update: the update that the struct is in.
        clock: the clock of the struct's first unit.
        struct: any struct.
    """
    if struct.kind != STRING or not _PAIR_IN_UTF8.search(update, struct.content, struct.end):
        return
    text = Scanner(update, struct.content).string().decode()
    for pairs_before, found in enumerate(_PAIR_IN_TEXT.finditer(text)):
        yield clock + found.start() + pairs_before + 1, found.start()


def _parted_at(update: bytes) -> Iterator[tuple[int, int]]:
    """Yield the units before which a text is parted: client and clock.

    Yjs parts one behind an origin, before a right origin, and at both ends of a deletion.

    Raises:
        DecodeError: it is no update.
    """
    scanner, ids = Scanner(update), Scanner(update)
    for _, _, struct in scanner.structs():
        if update[struct.start] & HAS_ORIGIN:
            ids.at = struct.start + 1
            yield ids.uint(), ids.uint() + 1
        ids.at, end = struct.right_origin
        if ids.at < end:
            yield ids.uint(), ids.uint()
    for _ in range(scanner.uint()):
        client = scanner.uint()
        for _ in range(scanner.uint()):
            clock = scanner.uint()
            yield client, clock
            yield client, clock + scanner.uint()


def _with_cut_pairs(update: bytes, cuts: set[tuple[int, int]]) -> bytes:
    """Put U+FFFD in the place of the halves of pairs in an update.

    Args:
        update: the update.
        cuts: the second units of the pairs, by client and clock.
    """
    parts: list[bytes] = []
    done = 0
    for client, clock, struct in Scanner(update).structs():
        places = [at for unit, at in _pairs_in(update, clock, struct) if (client, unit) in cuts]
        if places:
            characters = [*Scanner(update, struct.content).string().decode()]
            for at in places:
                characters[at] = _CUT_PAIR
            parts += update[done : struct.content], encode_var_bytes("".join(characters).encode())
            done = struct.end
    return b"".join([*parts, update[done:]])
