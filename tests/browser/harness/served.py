"""The demo site as a person gets it: the built site and its signaling, on one port."""

from __future__ import annotations

from pyodide_rtc.testing.browsers import SignalingServer, serve_site

__all__ = ["SignalingServer", "serve_site"]
