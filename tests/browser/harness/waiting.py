"""Waiting for what comes in its own time."""

from __future__ import annotations

from pyodide_rtc.testing.browsers import eventually

__all__ = ["eventually"]
