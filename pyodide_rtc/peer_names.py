"""By what names the events of a room call its peers: never two by one name at a time.

A name may come after its peer, and may have gone before it. If one of two people of one name
leaves, the other goes from "Ada (2)" to "Ada". That is told after the first one has left: told
before, it would read as if the other had left.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["PeerNames"]


class PeerNames:
    """The names by which users were told of peers."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        """By peer id; empty for those who had none."""

    def learn(self, shown: Mapping[str, str]) -> list[tuple[str, str, str]]:
        """Learn by what names peers are shown now.

        Args:
            shown: the names by peer id; without those who show none.

        Returns:
            what is to be told, in this order: who was told by another name before, or by none, that
            name, and the new one.
        """
        told: list[tuple[str, str, str]] = []
        new = {i: name for i, name in shown.items() if self._names.get(i) != name}
        while new:
            taken = {*self._names.values()}
            free = [i for i, name in new.items() if name not in taken]
            if not free and not self._kept(shown).isdisjoint(new.values()):
                break  # until they have left
            for peer_id in free or [*new][:1]:  # two who change names begin somewhere
                before = self._names.get(peer_id)
                name = self._names[peer_id] = new.pop(peer_id)
                if before is not None:
                    told.append((peer_id, before, name))
        return told

    def meet(self, peer_id: str) -> str | None:
        """Return the name of a peer that is told of, if any; from now on its changes are told."""
        return self._names.setdefault(peer_id, "") or None

    def forget(self, peer_id: str) -> None:
        """Forget a peer that has left."""
        self._names.pop(peer_id, None)

    def _kept(self, shown: Mapping[str, str]) -> set[str]:
        """Return the names of those who show none any more."""
        return {name for peer_id, name in self._names.items() if peer_id not in shown}
