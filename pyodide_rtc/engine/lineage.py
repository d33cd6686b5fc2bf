"""Which first content a document has, when several people brought one.

A page shows its own file at once, before it knows of anybody. So two may have begun apart, and what
they began with must not be merged: each cell would be there twice. A *seed* is such a beginning,
named by what is in it: equal files are one seed. A *lineage* is a seed and all that was edited upon
it. Everybody computes the same lineage from what all tell. Pure functions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Candidate", "read_candidate", "winner"]

_SEED = re.compile("[0-9a-f]{16,64}")
_LATEST_MS = 8.64e15
"""The last moment that a date of JavaScript can tell."""

_FIELDS = ("seed", "seeded_at", "placeholder")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A lineage that somebody shows.

    Args:
        seed: what names it: 16 to 64 hexadecimal digits.
        seeded_at_ms: when it was begun, in milliseconds since 1970 by the clock of who began it.
        placeholder: whether nothing was in it when it was begun, as in a new notebook.
    """

    seed: str
    seeded_at_ms: float
    placeholder: bool = False

    def to_json(self) -> dict[str, object]:
        """Give what `read_candidate` reads."""
        values = (self.seed, self.seeded_at_ms, self.placeholder)
        return dict(zip(_FIELDS, values, strict=True))


def read_candidate(value: object) -> Candidate | None:
    """Read what somebody tells of a lineage; None where it is none."""
    if not isinstance(value, Mapping):
        return None
    seed, seeded_at, placeholder = (value.get(field) for field in _FIELDS)
    if not isinstance(seed, str) or not _SEED.fullmatch(seed):
        return None
    if isinstance(seeded_at, bool) or not isinstance(seeded_at, int | float):
        return None
    if not abs(seeded_at) <= _LATEST_MS:  # nor NaN
        return None
    if not isinstance(placeholder, bool):
        return None
    return Candidate(seed, float(seeded_at), placeholder)


def winner(candidates: Iterable[Candidate]) -> Candidate | None:
    """Give the lineage that all take: placeholders last, then the earliest, then the smallest seed.

    The same seed may be told with several times, as people begin with equal files: the earliest
    counts, so that all who know these candidates give the same one.
    """
    return min(candidates, key=lambda c: (c.placeholder, c.seeded_at_ms, c.seed), default=None)
