"""Whether somebody is here whom we do not reach.

Who could not be reached is dropped; one that is still here is found again at once, and tried again.
One that has gone says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyodide_rtc.errors import IceFailedError

MAX_UNREACHED_S = 60.0
"""A peer that was not reached counts as here for so long: the tries after that, too, have failed
within 40 s if it is."""


@dataclass(slots=True)
class Unreached:
    """The last peer that was found and not reached."""

    _error: IceFailedError | None = None
    _failed_s: float = 0.0

    def error(self, now_s: float) -> IceFailedError | None:
        """Give how it failed; None if it is too long ago, or somebody was reached since."""
        return self._error if now_s < self._failed_s + MAX_UNREACHED_S else None

    def take(self, error: IceFailedError, now_s: float) -> None:
        """Take that a peer was not reached."""
        self._error, self._failed_s = error, now_s
