"""Random plays of pages that begin apart, meet, part, come late and lie, on the pure machine.

What the network does is done here by hand: a page hears of the lineages that the pages in reach
show, and two that have the same lineage open have the same edits of it once they have synced.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import pytest
from seeds import some

from pyodide_rtc.engine.lineage import (
    Adopt,
    Candidate,
    Drop,
    Effect,
    Fetch,
    Lineages,
    Share,
    Tell,
)

Edits = frozenset[tuple[str, int]]
"""Edits of a document, each with the lineage that it was made in."""


@dataclass(eq=False)
class Page:
    """A page with its engine, and what its browser keeps."""

    candidate: Candidate
    shown: Edits
    lineages: Lineages = field(default_factory=Lineages)
    kept: dict[str, Edits] = field(default_factory=dict)
    told: Candidate | None = None
    shared: str | None = None
    fetched: set[str] = field(default_factory=set)
    copies: list[Edits] = field(default_factory=list)
    adopting: Candidate | None = None
    is_here: bool = True
    group: int = 0

    def open(self) -> None:
        """Open the document: with what this browser has of it."""
        self.is_here, self.lineages = True, Lineages()
        self.shared, self.fetched, self.told = None, set(), None
        self.perform(self.lineages.show(self.candidate))

    def close(self) -> None:
        """Close the page; an adoption that was under way is finished first."""
        self.reopen()
        self.is_here, self.told = False, None

    def perform(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Share(seed):
                    self.shared = seed
                    self.kept[seed] = self.kept.get(seed, frozenset()) | self.shown
                    self.shown = self.kept[seed]
                case Fetch(seed):
                    assert seed not in self.fetched and seed != self.shared
                    self.fetched.add(seed)
                case Drop(seed):
                    self.fetched.remove(seed)
                case Adopt(candidate):
                    self.fetched.remove(candidate.seed)
                    self.shared, self.adopting = candidate.seed, candidate
                case Tell(candidate):
                    self.told = candidate

    def reopen(self) -> None:
        """Show what is adopted; what only this page has goes into a copy."""
        if self.adopting is None:
            return
        self.candidate, self.adopting = self.adopting, None
        adopted = self.kept[self.candidate.seed]
        if self.shown - adopted:
            self.copies.append(self.shown)
        self.shown = adopted
        self.perform(self.lineages.show(self.candidate))

    def write(self, number: int) -> None:
        edit = (self.candidate.seed, number)
        self.shown |= {edit}
        if self.candidate.placeholder:
            self.candidate = Candidate(self.candidate.seed, self.candidate.seeded_at_ms)
            if self.adopting is None:
                self.perform(self.lineages.show(self.candidate))
        if self.shared == self.candidate.seed:
            self.kept[self.shared] |= {edit}


class Play:
    """Some pages with one document.

    Args:
        random: decides everything.
        seeds: with which seeds they begin.
    """

    def __init__(self, random: Random, seeds: str) -> None:
        self.random = random
        self.written = 0
        self.liar: Candidate | None = None
        self.pages = [self._page(random.choice(seeds) * 64) for _ in range(random.randint(2, 6))]
        for page in self.pages:
            page.group = random.randrange(2)
            page.open()

    def _page(self, seed: str) -> Page:
        """A page whose clock may be wrong by anything."""
        clock = self.random.choice([0.0, 1e3, 8e15, -8e15])
        began = Candidate(seed, clock + self.random.randrange(5), self.random.random() < 0.3)
        return Page(began, frozenset({(seed, 0)}))

    def reach(self, page: Page) -> list[Page]:
        return [p for p in self.pages if p.is_here and p is not page and p.group == page.group]

    def hear(self, page: Page) -> None:
        """A page hears which lineages are shown, and gets what those in reach have."""
        others = self.reach(page)
        heard = [other.told for other in others if other.told is not None]
        page.perform(page.lineages.hear([*heard, *([self.liar] if self.liar else [])]))
        for seed in sorted(page.fetched):
            holders = [o for o in others if o.shared == seed]
            if holders and seed in page.fetched:
                page.kept[seed] = page.kept.get(seed, frozenset()).union(
                    *(o.kept[seed] for o in holders)
                )
                page.perform(page.lineages.arrived(seed))
        self.sync(page)

    def sync(self, page: Page) -> None:
        if page.shared is None:
            return
        holders = [o for o in (page, *self.reach(page)) if o.shared == page.shared]
        union = frozenset[tuple[str, int]]().union(*(o.kept[page.shared] for o in holders))
        for holder in holders:
            holder.kept[page.shared] = union
            if holder.adopting is None and holder.candidate.seed == page.shared:
                holder.shown = union

    def step(self) -> None:
        page = self.random.choice(self.pages)
        if not page.is_here:
            if self.random.random() < 0.3:
                page.open()
            return
        match self.random.randrange(12):
            case 0 | 1 | 2 | 3 | 4:
                self.hear(page)
            case 5 | 6:
                self.written += 1
                page.write(self.written)
            case 7:
                page.reopen()
            case 8:
                page.perform(page.lineages.settle())
            case 9:
                page.group = self.random.randrange(2)
            case 10:
                page.close()
            case _:
                self.sync(page)

    def end(self) -> None:
        """All come back, and meet; what is adopted is shown."""
        for page in self.pages:
            page.group = 0
            if not page.is_here:
                page.open()
        for _ in range(20):
            for page in self.pages:
                self.hear(page)
                page.reopen()
                if self.liar is not None:
                    page.perform(page.lineages.settle())
                    page.reopen()

    def check(self) -> None:
        first = self.pages[0]
        assert {page.candidate.seed for page in self.pages} == {first.candidate.seed}
        assert {page.shown for page in self.pages} == {first.shown}
        assert {seed for seed, _ in first.shown} == {first.candidate.seed}, "no two are mixed"
        kept = first.shown.union(*(copy for page in self.pages for copy in page.copies))
        assert {number for _, number in kept} == set(range(self.written + 1)), "none is lost"


@pytest.mark.parametrize("block", range(10))
def test_all_come_to_one_and_nothing_is_lost(block: int) -> None:
    for number in range(some(300)):
        play = Play(Random(f"{block} {number}"), "abc")
        for _ in range(play.random.randint(5, 120)):
            play.step()
        play.end()
        play.check()


@pytest.mark.parametrize("block", range(4))
def test_who_began_with_equal_files_makes_no_copies(block: int) -> None:
    for number in range(some(200)):
        play = Play(Random(f"{block} {number}"), "a")
        for _ in range(play.random.randint(5, 120)):
            play.step()
        play.end()
        play.check()
        assert not any(page.copies for page in play.pages)


@pytest.mark.parametrize("block", range(4))
def test_who_claims_a_lineage_that_does_not_exist_keeps_nobody_apart(block: int) -> None:
    for number in range(some(200)):
        play = Play(Random(f"{block} {number}"), "abc")
        play.liar = Candidate("f" * 64, -8.64e15)
        for _ in range(play.random.randint(5, 120)):
            play.step()
        play.end()
        play.check()
