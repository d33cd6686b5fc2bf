"""Decides which first content a document has, when several people brought one.

A page shows its own file at once, before it knows of anybody. So two pages may begin apart. Their
first contents must not be merged: each cell would be there twice. A *seed* is such a first content,
named by what is in it: equal files are one seed. A *lineage* is a seed with all later edits of it.
Each page says which lineage it shows, and all compute the same winner from that. Pure functions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Candidate", "read_candidate", "winner"]

_SEED = re.compile("[0-9a-f]{16,64}")
_LATEST_MS = 8.64e15
"""The last moment that a JavaScript date can have."""

_FIELDS = ("seed", "seeded_at", "placeholder")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A lineage that a page shows.

    Args:
        seed: the name of the seed: 16 to 64 hexadecimal digits.
        seeded_at_ms: when it was begun, in milliseconds since 1970, by the clock of its first page.
        placeholder: whether it was empty when it was begun, as a new notebook is.
    """

    seed: str
    seeded_at_ms: float
    placeholder: bool = False

    def to_json(self) -> dict[str, object]:
        """Return the form that `read_candidate` reads."""
        values = (self.seed, self.seeded_at_ms, self.placeholder)
        return dict(zip(_FIELDS, values, strict=True))


def read_candidate(value: object) -> Candidate | None:
    """Read a lineage that another page shows; None if the value is none."""
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
    """Return the lineage that all adopt: no placeholder before others, the earliest, least seed.

    The same seed can come with several times, if people began with equal files: the earliest
    counts. So all who know the same candidates return the same one.
    """
    return min(candidates, key=lambda c: (c.placeholder, c.seeded_at_ms, c.seed), default=None)
