"""What is different between two texts, as few small edits: so that others' edits stay.

An edit is `(start, stop, new)`: the characters from `start` to `stop` are replaced by `new`. Edits
of one text come in the order of their positions, and these are all positions before any of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

Edit = tuple[int, int, str]

_MATCHED_CHARACTERS = 1_000
"""Up to this length, what differs is compared character by character: it takes its square."""


def difference(old: str, new: str) -> list[Edit]:
    """Return the edits that make a text another one."""
    begin, old, new = _trimmed(old, new)
    return [(begin + start, begin + stop, part) for start, stop, part in _steps(old, new)]


def changed_characters(old: str, new: str) -> int:
    """Return how many characters of both texts lie between what they begin and end with alike."""
    _, old, new = _trimmed(old, new)
    return len(old) + len(new)


def rebased(mine: Sequence[Edit], theirs: Sequence[Edit]) -> list[Edit]:
    """Return my edits of a text as edits of what theirs have made of the same text.

    What they have inserted stays, also within what I have deleted. Of two insertions at one place
    theirs comes first.
    """
    edits: list[Edit] = []
    for start, stop, new in mine:
        gone = list(_left(start, stop, theirs))
        at = _moved(start, theirs)
        if gone and gone[0][0] == at:
            edits.append((at, gone.pop(0)[1], new))
        elif new:
            edits.append((at, at, new))
        edits += [(from_, to, "") for from_, to in gone]
    return edits


def _moved(position: int, theirs: Sequence[Edit]) -> int:
    """Return where a position of the text is after their edits; behind what they put there."""
    shift = 0
    for start, stop, new in theirs:
        if position < stop:
            return start + shift + len(new) if start < position else position + shift
        if position < start:
            break
        shift += len(new) - (stop - start)
    return position + shift


def _left(start: int, stop: int, theirs: Sequence[Edit]) -> Iterator[tuple[int, int]]:
    """Give the parts of a run of characters that are left after their edits, as they lie then."""
    shift = 0
    for from_, to, new in theirs:
        if from_ > start:
            end = min(stop, from_)
            if start < end:
                yield start + shift, end + shift
        start = max(start, to)
        shift += len(new) - (to - from_)
        if start >= stop:
            return
    if start < stop:
        yield start + shift, stop + shift


def _trimmed(old: str, new: str) -> tuple[int, str, str]:
    """Return how much two texts begin with alike, and what lies between that and a like end."""
    begin = _common(old, new)
    end = _common(old[begin:][::-1], new[begin:][::-1])
    return begin, old[begin : len(old) - end], new[begin : len(new) - end]


def _common(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike; by halving, as slices are fast."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _steps(old: str, new: str) -> list[Edit]:
    """Return which parts of a text are to be replaced, and by what, to make it another."""
    if not old or not new or max(len(old), len(new)) > _MATCHED_CHARACTERS:
        return [(0, len(old), new)] if old or new else []
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return [
        (start, stop, new[begin:end])
        for action, start, stop, begin, end in matcher.get_opcodes()
        if action != "equal"
    ]
