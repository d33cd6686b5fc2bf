"""Limits how often the user is told of faults that others cause.

Each kind of fault of each source is reported once a minute. Those between are counted, and the
count comes with the next report.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from pyodide_rtc.errors import (
    InternalError,
    MessageTooBigError,
    PeerLimitError,
    RemoteProtocolError,
)
from pyodide_rtc.protocol.effects import Effect, Report

INTERVAL_S = 60.0
"""A fault is reported again after so long at the earliest."""

MAX_KINDS = 256
"""So many kinds of faults are distinguished within that time; all others count as one kind."""

_Kind: TypeAlias = tuple[str | None, str, str]
_OTHERS: _Kind = (None, "", "")


@dataclass(slots=True)
class FaultLimits:
    """When each kind of fault was last reported, and how many came since."""

    _told: dict[_Kind, tuple[float, int]] = field(default_factory=dict)

    def sift(self, effects: list[Effect], now_s: float) -> list[Effect]:
        """Remove reports that come too soon after the last of their kind; count the others."""
        if not any(isinstance(e, Report) for e in effects):
            return effects
        sifted: list[Effect] = []
        for effect in effects:
            if isinstance(effect, Report) and _is_anothers(effect):
                count = self._count(_kind_of(effect), now_s)
                if count is not None:
                    sifted.append(Report(effect.error, count))
            else:
                sifted.append(effect)
        return sifted

    def _count(self, kind: _Kind, now_s: float) -> int | None:
        """Count a fault.

        Returns:
            how many of its kind came since the last report, this one included; None if it is too
            soon for a report.
        """
        if kind not in self._told and len(self._told) >= MAX_KINDS:
            self._told = {k: t for k, t in self._told.items() if now_s < t[0] + INTERVAL_S}
            if len(self._told) >= MAX_KINDS:
                kind = _OTHERS
        told_s, missed = self._told.get(kind, (None, 0))
        if told_s is not None and now_s < told_s + INTERVAL_S:
            self._told[kind] = told_s, missed + 1
            return None
        self._told[kind] = now_s, 0
        return missed + 1


def _is_anothers(report: Report) -> bool:
    """Whether somebody else caused it. A message that we cannot send is ours: report each one."""
    error = report.error
    is_ours = isinstance(error, MessageTooBigError) and error.direction == "out"
    return isinstance(error, RemoteProtocolError | InternalError) and not is_ours


def _kind_of(report: Report) -> _Kind:
    error = report.error
    if isinstance(error, InternalError):
        return None, type(error).__name__, error.task
    assert isinstance(error, RemoteProtocolError)
    what = error.what if isinstance(error, PeerLimitError) else ""
    return error.peer_id, type(error).__name__, what
