"""Decides which first content a document has, when several people brought one. Pure.

A page shows its own file at once, before it knows of anybody. So two pages may begin apart. Their
first contents must not be merged: each cell would be there twice. A *seed* is such a first content,
named by what is in it: equal files are one seed. A *lineage* is a seed with all later edits of it.
Each page says which lineage it shows, and all compute the same winner from that.

A page goes over to the winner once it has all of its content. Until then it shows what it has. A
lineage that nobody shows any more is no candidate: so nobody waits for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

__all__ = [
    "Adopt",
    "Candidate",
    "Drop",
    "Effect",
    "Fetch",
    "Lineages",
    "Share",
    "Tell",
    "read_candidate",
    "winner",
]

_SEED = re.compile("[0-9a-f]{16,64}")
_LATEST_MS = 8.64e15
"""The last moment that a JavaScript date can have."""

_MOST_FETCHED = 8
"""So many lineages are fetched at once: the best of those that win over our own."""

_FIELDS = ("seed", "seeded_at", "placeholder")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A lineage that a page shows.

    Args:
        seed: the name of the seed: 16 to 64 hexadecimal digits.
        seeded_at_ms: when it was begun, in milliseconds since 1970, by the clock of its first page.
        placeholder: whether nobody has written anything into it yet, as in a new notebook.
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
    counts, and it is no placeholder if anybody says so. So all who know the same candidates return
    the same one.
    """
    return min(candidates, key=lambda c: (c.placeholder, c.seeded_at_ms, c.seed), default=None)


@dataclass(frozen=True, slots=True)
class Share:
    """Share what the page shows with all who have this lineage, and nothing else."""

    seed: str


@dataclass(frozen=True, slots=True)
class Fetch:
    """Get the content of this lineage from those who have it; the page goes on with its own."""

    seed: str


@dataclass(frozen=True, slots=True)
class Drop:
    """Fetch this lineage no longer."""

    seed: str


@dataclass(frozen=True, slots=True)
class Adopt:
    """The page is to show this lineage, which was fetched, and share it from now on."""

    candidate: Candidate


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell the others which lineage the page shows."""

    candidate: Candidate


Effect: TypeAlias = Share | Fetch | Drop | Adopt | Tell


class Lineages:
    """The lineages of one document, as one page sees them.

    What a peer claims to show need not exist. So all lineages that win over our own are fetched.
    While the best does not come, the page can `settle` for the best that has come.
    """

    def __init__(self) -> None:
        self._own: Candidate | None = None
        self._heard: tuple[Candidate, ...] = ()
        self._fetched: set[str] = set()
        self._arrived: set[str] = set()

    @property
    def is_waiting(self) -> bool:
        """Whether some lineage has come that wins over ours, but not the best."""
        return bool(self._arrived)

    def show(self, candidate: Candidate) -> list[Effect]:
        """The page shows this lineage: it has begun with it, has adopted it, or has edited it."""
        effects: list[Effect] = []
        if self._own is None or self._own.seed != candidate.seed:
            if candidate.seed in self._fetched:
                effects.append(self._drop(candidate.seed))
            effects.append(Share(candidate.seed))
            known = candidate
        else:
            known = winner([self._own, candidate]) or candidate
        return effects + self._tell(known) + self._decide()

    def hear(self, candidates: Iterable[Candidate]) -> list[Effect]:
        """These lineages are shown by the other pages; they are all that are."""
        self._heard = tuple(candidates)
        return self._decide()

    def arrived(self, seed: str) -> list[Effect]:
        """The content of a lineage that is fetched is here."""
        self._arrived.add(seed)
        return self._decide()

    def settle(self) -> list[Effect]:
        """The best lineage has not come for long: take the best that has."""
        here = (one for one in self._better if one.seed in self._arrived)
        found = next(here, None)
        return [] if found is None else self._adopt(found)

    @property
    def _better(self) -> list[Candidate]:
        """The lineages that win over our own, the best first."""
        found: list[Candidate] = []
        others = [*self._heard]
        while (best := winner([*others, *self._own_as_list])) is not None:
            if self._own is not None and best.seed == self._own.seed:
                break
            found.append(best)
            others = [one for one in others if one.seed != best.seed]
        return found[:_MOST_FETCHED]

    @property
    def _own_as_list(self) -> list[Candidate]:
        return [] if self._own is None else [self._own]

    def _decide(self) -> list[Effect]:
        effects: list[Effect] = []
        if self._own is not None:
            same = [one for one in self._heard if one.seed == self._own.seed]
            effects += self._tell(winner([self._own, *same]) or self._own)
        better = self._better
        wanted = {one.seed for one in better}
        effects += [self._drop(seed) for seed in sorted(self._fetched - wanted)]
        effects += [Fetch(one.seed) for one in better if one.seed not in self._fetched]
        self._fetched = wanted
        if better and better[0].seed in self._arrived:
            effects += self._adopt(better[0])
        return effects

    def _drop(self, seed: str) -> Drop:
        self._fetched = self._fetched - {seed}
        self._arrived.discard(seed)
        return Drop(seed)

    def _adopt(self, candidate: Candidate) -> list[Effect]:
        self._fetched = self._fetched - {candidate.seed}
        self._arrived.discard(candidate.seed)
        return [Adopt(candidate), *self._tell(candidate), *self._decide()]

    def _tell(self, candidate: Candidate) -> list[Effect]:
        if candidate == self._own:
            return []
        self._own = candidate
        return [Tell(candidate)]
