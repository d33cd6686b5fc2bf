"""The document that is named after a file: which lineages are shown, and which have a new name.

Its content stays empty. What is told stands in awareness states, which vanish with their pages: so
nobody waits for a lineage that nobody shows any more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pyodide_rtc.engine.lineage import Candidate, read_candidate
from pyodide_rtc.room import Room

__all__ = ["Front", "Renames"]

_LINEAGE, _MOVED = "lineage", "moved"
_MOST_MOVES = 20
"""So many new names are told under one old name."""

_MOST_RENAMES = 1_000
"""A peer that says that a file was renamed more often is not believed."""


class Renames:
    """By which names the lineages of this page go on, and how often each was renamed.

    The number tells a later name from an earlier one, wherever each was given.
    """

    def __init__(self) -> None:
        self._latest: dict[str, tuple[str, int]] = {}

    def learn(self, seed: str, new_key: str, number: int) -> bool:
        """Note a name that others have given; return whether it is later than what we know."""
        if not self._latest.get(seed, ("", 0))[1] < number <= _MOST_RENAMES:
            return False
        self._latest[seed] = new_key, number
        return True

    def give(self, seed: str, new_key: str) -> int:
        """Note a name that the page has given, or has taken over; return its number."""
        key, number = self._latest.get(seed, ("", 0))
        if key != new_key:
            number += 1
            self._latest[seed] = new_key, number
        return number


class Front:
    """What is told of a file under its name.

    Args:
        key: `"{contentType}:{path}"`.
        room: the room of all files.
        renames: what is known of new names.
    """

    def __init__(self, key: str, room: Room, renames: Renames) -> None:
        self._document = room.document(key)
        self._renames = renames
        self._moved: dict[str, tuple[str, int]] = {}

    @property
    def is_needed(self) -> bool:
        """Whether the new name of a lineage is still to be told."""
        return bool(self._moved)

    @property
    def lineages(self) -> list[Candidate]:
        """The lineages that other pages show; without those that went on by another name."""
        found = (read_candidate(state.get(_LINEAGE)) for state in self._others)
        return [one for one in found if one is not None and one.seed not in self._moved]

    def new_key(self, seed: str) -> str | None:
        """Return the key by which others go on with a lineage, if it is news."""
        for state in self._others:
            moved = state.get(_MOVED)
            match moved.get(seed) if isinstance(moved, Mapping) else None:
                case [str(new_key), int(number)] if self._renames.learn(seed, new_key, number):
                    return new_key
        return None

    def tell(self, candidate: Candidate | None) -> None:
        """Tell the others which lineage the page shows; None if it shows none."""
        told = None if candidate is None else candidate.to_json()
        if candidate is not None and candidate.seed in self._moved:  # it has its old name again
            del self._moved[candidate.seed]
            self._document.awareness.set_local_state_field(_MOVED, dict(self._moved))
        self._document.awareness.set_local_state_field(_LINEAGE, told)

    def move(self, seed: str, new_key: str) -> None:
        """Tell the others that a lineage goes on by another name."""
        self._moved.pop(seed, None)
        moves = [*self._moved.items(), (seed, (new_key, self._renames.give(seed, new_key)))]
        self._moved = dict(moves[-_MOST_MOVES:])
        self._document.awareness.set_local_state_field(_MOVED, dict(self._moved))

    def observe(self, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back whenever others tell something else.

        Returns:
            a function that ends the observation.
        """
        return self._document.awareness.observe(lambda _change: callback())

    def close(self) -> None:
        """Tell nothing any more."""
        self._document.close()

    @property
    def _others(self) -> list[dict[str, object]]:
        awareness = self._document.awareness
        return [
            state for client, state in awareness.states.items() if client != awareness.client_id
        ]
