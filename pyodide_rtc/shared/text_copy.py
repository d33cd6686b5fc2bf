"""A copy of a shared text, by which characters are counted.

pycrdt counts the bytes of UTF-8, Python counts characters. To convert a position takes a pass over
the text, so the copy is kept in pieces, each with its size in both: a pass over the sizes and one
over a single piece are enough.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import accumulate

PIECE_CHARACTERS = 2048
"""How long pieces are when they are cut. They may grow to twice as much."""


EMBEDDED = "\udfff"
"""Stands for an object that another editor put into the text: one unit, for pycrdt too. It is half
a character, so no text has it, and what Python writes in place of it is one byte long."""


def _bytes(text: str) -> bytes:
    return text.encode(errors="replace")


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(_bytes(text))


class TextCopy:
    """A text with its positions in characters and in bytes of UTF-8.

    Args:
        text: the text, with `EMBEDDED` for each object in it.
    """

    def __init__(self, text: str) -> None:
        self._pieces: list[str] = _cut(text)
        self._lengths = [len(piece) for piece in self._pieces]
        self._sizes = [_size(piece) for piece in self._pieces]
        self.length = len(text)
        self.size_bytes = sum(self._sizes)
        self._whole: str | None = text
        self._found: dict[int, tuple[int, int, int]] = {}  # until the next change

    def __str__(self) -> str:
        if self._whole is None:
            self._whole = "".join(self._pieces)
        return self._whole

    def bytes_before(self, position: int) -> int:
        """Return how many bytes come before a character.

        Args:
            position: in characters, from 0 to the length.
        """
        if self.length == self.size_bytes:
            return position
        index, rest, before = self._find(position)
        return before + _size(self._pieces[index][:rest])

    def range_bytes(self, start: int, stop: int) -> tuple[int, int]:
        """Return how many bytes come before a run of characters, and before its end."""
        begin = self.bytes_before(start)
        return begin, begin + _size(self.part(start, stop)) if stop > start else begin

    def characters_before(self, offset_bytes: int) -> int:
        """Return how many characters come before an offset in bytes."""
        if self.length == self.size_bytes:
            return offset_bytes
        characters = 0
        for piece, size in zip(self._pieces, self._sizes, strict=True):
            if offset_bytes <= size:
                return characters + len(_bytes(piece)[:offset_bytes].decode(errors="ignore"))
            offset_bytes -= size
            characters += len(piece)
        return characters

    def part(self, start: int, stop: int) -> str:
        """Return the characters from `start` to `stop`."""
        if self._whole is not None:
            return self._whole[start:stop]
        index, rest, _ = self._find(start)
        found, wanted = [self._pieces[index][rest:]], stop - start
        had = len(found[0])
        while had < wanted:
            index += 1
            found.append(self._pieces[index])
            had += len(found[-1])
        return "".join(found)[:wanted]

    def splice(self, start: int, stop: int, text: str) -> None:
        """Replace the characters from `start` to `stop`."""
        first, rest, _ = self._find(start)
        last, end, _ = self._find(stop)
        middle = self._pieces[first][:rest] + text + self._pieces[last][end:]
        if first == last and len(middle) <= 2 * PIECE_CHARACTERS:
            grown_bytes = _size(text) - _size(self._pieces[first][rest:end])
            self._pieces[first] = middle
            self._lengths[first] = len(middle)
            self._sizes[first] += grown_bytes
            self.size_bytes += grown_bytes
        else:
            self._replace_pieces(first, last, _cut(middle))
        self.length += len(text) - (stop - start)
        self._whole = None
        self._found.clear()

    def _replace_pieces(self, first: int, last: int, pieces: list[str]) -> None:
        sizes = [_size(piece) for piece in pieces]
        self.size_bytes += sum(sizes) - sum(self._sizes[first : last + 1])
        self._pieces[first : last + 1] = pieces
        self._lengths[first : last + 1] = map(len, pieces)
        self._sizes[first : last + 1] = sizes

    def _find(self, position: int) -> tuple[int, int, int]:
        """Return the piece of a position, the characters before it there, and all bytes before."""
        if position not in self._found:
            ends = list(accumulate(self._lengths))
            index = bisect_left(ends, position)
            rest = position - ends[index] + self._lengths[index]
            self._found[position] = index, rest, sum(self._sizes[:index])
        return self._found[position]


def _cut(text: str) -> list[str]:
    return [
        text[start : start + PIECE_CHARACTERS]
        for start in range(0, max(1, len(text)), PIECE_CHARACTERS)
    ]
