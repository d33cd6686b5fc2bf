"""What observers of shared values are told, in plain Python."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

_SHOWN_CHARACTERS = 60


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one transaction.

    Args:
        path: where, from the observed value on: keys and positions. For a list or a text it ends
            with the position, in items or characters, that the change begins at.
        action: what happened there.
        old: what was there before; None if it was added. Of a list a list of the items, of a text
            the characters. Shared values are plain copies here.
        new: what is there now; None if it was removed.
    """

    path: tuple[str | int, ...]
    action: Literal["added", "changed", "removed"]
    old: Any = None
    new: Any = None

    def __str__(self) -> str:
        where = "".join(f"[{step!r}]" for step in self.path)
        match self.action:
            case "added":
                return f"{where} added {_short(self.new)}"
            case "removed":
                return f"{where} removed {_short(self.old)}"
        return f"{where} changed {_short(self.old)} to {_short(self.new)}"


@dataclass(frozen=True, slots=True)
class ValuesChanged:
    """A shared value has changed: all that one transaction did to it.

    Args:
        where: the name of the outermost value, then the keys and positions of the observed value
            at the time when the observation began.
        changes: what happened, in this order.
        author: whose change it was, as a name; empty for this notebook's own.
    """

    where: str
    changes: tuple[Change, ...]
    author: str = ""

    def __repr__(self) -> str:
        told = "; ".join(f"{self.where}{change}" for change in self.changes[:3])
        more = f"; {len(self.changes) - 3} more" if len(self.changes) > 3 else ""
        return f"<{self.author or 'here'}: {told}{more}>"


def _short(value: object) -> str:
    shown = repr(value)
    if len(shown) > _SHOWN_CHARACTERS:
        return shown[:_SHOWN_CHARACTERS] + "..."
    return shown
