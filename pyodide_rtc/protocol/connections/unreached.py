"""Whether a peer is here that we cannot reach.

A peer that could not be reached is lost. If it is still here, it is found again at once, and tried
again. If it has gone, nothing says so: after a while it counts as gone.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyodide_rtc.errors import IceFailedError

MAX_UNREACHED_S = 60.0
"""A peer that was not reached counts as here for so long. If it is here, the next tries fail within
40 s, and this time begins anew."""


@dataclass(slots=True)
class Unreached:
    """The last peer that we found and could not reach."""

    _error: IceFailedError | None = None
    _failed_s: float = 0.0

    def error(self, now_s: float) -> IceFailedError | None:
        """Return how it failed; None if that is too long ago."""
        return self._error if now_s < self._failed_s + MAX_UNREACHED_S else None

    def take(self, error: IceFailedError, now_s: float) -> None:
        """A peer could not be reached."""
        self._error, self._failed_s = error, now_s
