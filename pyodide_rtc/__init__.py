"""Real time collaboration for JupyterLite, in the kernel: Yjs documents shared over WebRTC."""

from pyodide_rtc._version import __version__

__all__ = ["__version__"]
