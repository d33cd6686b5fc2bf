"""A shared text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import index as as_index
from typing import Self, SupportsIndex

from pycrdt import ReadTransaction, Text

from pyodide_rtc.shared.context import Context
from pyodide_rtc.shared.mirror import SHOWN_EMBEDDED, copy_text, shown_text
from pyodide_rtc.shared.plain_values import check_text
from pyodide_rtc.shared.shared_value import Place, SharedValue
from pyodide_rtc.shared.text_copy import EMBEDDED, TextCopy
from pyodide_rtc.shared.text_edits import difference


class SharedText(SharedValue, Sequence[str]):
    """A text that is shared with all who have the document.

    Positions are characters, as `str` counts them. It has what reads of `str`; what writes changes
    it in place. An object that another editor put into it shows as U+FFFC, one character.

    Example:
        >>> notes = room.text("notes")
        >>> notes += "measured twice"
        >>> notes[:8] = "Measured"

    All that writes raises:
        ValueRefusedError: what is to be written is no text, or not one that can be shared.
        ValueRemovedError: the text is not in the document any more.
        TransactionError: this is inside an observer of pycrdt, or another task has a transaction.
    """

    def __init__(self, context: Context, raw: Text, place: Place) -> None:
        super().__init__(context, raw, place)
        self._copy: TextCopy | None = None
        self._stamp: tuple[int, bytes] | None = None

    # Reading.

    def __str__(self) -> str:
        with self._context.reading():
            self._check()
            return shown_text(self._read())

    def __len__(self) -> int:
        with self._context.reading():
            self._check()
            return self._read().length

    def __getitem__(self, key: SupportsIndex | slice) -> str:
        return str(self)[key]

    def __iter__(self) -> Iterator[str]:
        return iter(str(self))

    def __reversed__(self) -> Iterator[str]:
        return reversed(str(self))

    def __contains__(self, part: object) -> bool:
        return str(part) in str(self) if isinstance(part, (str, SharedText)) else False

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other) if isinstance(other, (str, SharedText)) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __lt__(self, other: str | SharedText) -> bool:
        return str(self) < str(other)

    def __add__(self, other: str) -> str:
        return str(self) + other

    def __radd__(self, other: str) -> str:
        return other + str(self)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)

    def find(self, part: str, *limits: int) -> int:
        """Return the first position of a part, in characters; -1 if there is none.

        Args:
            part: the text to look for.
            *limits: where to begin and where to end, in characters.
        """
        return str(self).find(part, *limits)

    def rfind(self, part: str, *limits: int) -> int:
        """Return the last position of a part, in characters; -1 if there is none.

        Args:
            part: the text to look for.
            *limits: where to begin and where to end, in characters.
        """
        return str(self).rfind(part, *limits)

    def index(self, part: str, *limits: int) -> int:
        """Return the first position of a part, in characters.

        Args:
            part: the text to look for.
            *limits: where to begin and where to end, in characters.

        Raises:
            ValueError: there is none.
        """
        return str(self).index(part, *limits)

    def count(self, part: str, *limits: int) -> int:
        """Return how often a part is in the text.

        Args:
            part: the text to look for.
            *limits: where to begin and where to end, in characters.
        """
        return str(self).count(part, *limits)

    def startswith(self, part: str | tuple[str, ...], *limits: int) -> bool:
        """Return whether the text begins with a part.

        Args:
            part: the text to look for, or several in a tuple.
            *limits: where to begin and where to end, in characters.
        """
        return str(self).startswith(part, *limits)

    def endswith(self, part: str | tuple[str, ...], *limits: int) -> bool:
        """Return whether the text ends with a part.

        Args:
            part: the text to look for, or several in a tuple.
            *limits: where to begin and where to end, in characters.
        """
        return str(self).endswith(part, *limits)

    def split(self, separator: str | None = None, limit: int = -1) -> list[str]:
        """Return the parts between separators, as `str.split` does.

        Args:
            separator: what separates the parts; by default any space.
            limit: how many separators count at most; -1 for all.
        """
        return str(self).split(separator, limit)

    def splitlines(self, keepends: bool = False) -> list[str]:
        """Return the lines, as `str.splitlines` does.

        Args:
            keepends: whether the lines keep their ends.
        """
        return str(self).splitlines(keepends)

    def strip(self, characters: str | None = None) -> str:
        """Return the text without space at its ends, as `str.strip` does.

        Args:
            characters: what is left out; by default any space.
        """
        return str(self).strip(characters)

    def lower(self) -> str:
        """Return the text in lower case."""
        return str(self).lower()

    def upper(self) -> str:
        """Return the text in upper case."""
        return str(self).upper()

    # Writing.

    def insert(self, position: SupportsIndex, text: str) -> None:
        """Put a text before a position.

        Args:
            position: in characters; as `list.insert` takes it.
            text: what to put there.
        """
        with self._context.writing():
            self._check()
            checked, copy = self._checked(text), self._read()
            start = slice(as_index(position), None).indices(copy.length)[0]
            self._replace(copy, start, start, checked)

    def append(self, text: str) -> None:
        """Put a text at the end.

        Args:
            text: what to put there.
        """
        with self._context.writing():
            self._check()
            checked, copy = self._checked(text), self._read()
            self._replace(copy, copy.length, copy.length, checked)

    def __iadd__(self, text: str | SharedText) -> Self:
        self.append(str(text) if isinstance(text, SharedText) else text)
        return self

    def __delitem__(self, key: SupportsIndex | slice) -> None:
        self[key] = ""

    def __setitem__(self, key: SupportsIndex | slice, text: str) -> None:
        """Replace characters by a text of any length; only what differs is written."""
        with self._context.writing():
            self._check()
            checked, copy = self._checked(text), self._read()
            if not isinstance(key, slice):
                position = as_index(key)
                if not -copy.length <= position < copy.length:
                    raise IndexError("text index out of range")
                key = slice(position, position + 1 if position != -1 else None)
            start, stop, step = key.indices(copy.length)
            if step != 1:
                characters = list(str(copy))
                characters[key] = checked if checked else [""] * len(range(start, stop, step))
                start, stop, checked = 0, copy.length, "".join(characters)
            self._write_difference(copy, start, max(start, stop), checked)

    def set(self, text: str | SharedText) -> None:
        """Make the text this one: only what differs is written, so that others' edits stay.

        Args:
            text: what it is to be.
        """
        self[:] = str(text) if isinstance(text, SharedText) else text

    def clear(self) -> None:
        """Remove all characters."""
        self[:] = ""

    # Inside.

    def _checked(self, text: object) -> str:
        return check_text(text, self._where)

    def _read(self) -> TextCopy:
        """Return a copy, made anew if anybody has changed the text since the last one.

        The document's state vector moves with each insertion, and the length with each deletion
        that is not made up for by one: together they tell any change.
        """
        if isinstance(self._context.doc.transaction(), ReadTransaction):
            return copy_text(self._raw)  # in an observer of pycrdt there is no state vector
        stamp = self._stamp_now()
        if self._copy is None or stamp != self._stamp:
            self._copy = copy_text(self._raw)
            self._stamp = stamp
        return self._copy

    def _stamp_now(self) -> tuple[int, bytes]:
        return len(self._raw), self._context.doc.get_state()

    def _remember(self, start: int, stop: int, old: str) -> None:
        """Be ready to put back what was in place of a run of characters."""
        context, path = self._context, self.path

        def take_back() -> None:
            text = context.follow(path)
            text._replace(text._read(), start, stop, old)

        context.if_it_raises(take_back)

    def _write_difference(self, copy: TextCopy, start: int, stop: int, text: str) -> None:
        if not text:
            self._replace(copy, start, stop, text)
            return
        for from_, to, new in reversed(difference(copy.part(start, stop), text)):
            self._replace(copy, start + from_, start + to, new)

    def _replace(self, copy: TextCopy, start: int, stop: int, text: str) -> None:
        if self._context.is_in_block:
            old = copy.part(start, stop).replace(EMBEDDED, SHOWN_EMBEDDED)
            self._remember(start, start + len(text), old)
        at_bytes, end_bytes = copy.range_bytes(start, stop)
        if stop > start:
            del self._raw[at_bytes:end_bytes]
        if text:
            self._raw.insert(at_bytes, text)
        copy.splice(start, stop, text)
        self._stamp = copy.size_bytes, self._context.doc.get_state()
