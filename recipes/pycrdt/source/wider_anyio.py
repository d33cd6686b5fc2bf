"""Let pycrdt run with the anyio that is there, where its source archive asks for 4.14 or newer.

pycrdt 0.14.13 needs 4.14 for one thing only: its `Provider` keeps a `TaskHandle`. Pyodide has anyio
4.13, and what is loaded in a kernel cannot be replaced: with the archive's own requirement, pycrdt
could not be installed beside it. So `Provider` alone refuses an older anyio, when it is made. The
rest passes pycrdt's own tests with anyio 4.4, and with 4.0 it does not.
"""

from pathlib import Path

CHANGES = (
    ("PKG-INFO", "anyio>=4.14.0,<5.0.0", "anyio>=4.4.0,<5.0.0"),
    ("pyproject.toml", '"anyio >=4.14.0,<5.0.0"', '"anyio >=4.4.0,<5.0.0"'),
    ("python/pycrdt/_provider.py", "    TaskHandle,\n", ""),
    (
        "python/pycrdt/_provider.py",
        "from anyio.abc import TaskGroup, TaskStatus\n",
        """\
from anyio.abc import TaskGroup, TaskStatus

try:
    from anyio import TaskHandle
except ImportError:
    TaskHandle = None
""",
    ),
    (
        "python/pycrdt/_provider.py",
        "        self._doc = doc\n",
        """\
        if TaskHandle is None:
            raise RuntimeError("pycrdt.Provider needs anyio 4.14 or newer")
        self._doc = doc
""",
    ),
)
"""File, what stands there once, what takes its place."""


def apply(folder: Path) -> None:
    """Change the unpacked archive.

    Raises:
        ValueError: a file has not exactly one such place, so the archive is another.
    """
    for name, old, new in CHANGES:
        path = folder / name
        text = path.read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise ValueError(f"{name}: expected {old!r} once, found it {text.count(old)} times")
        path.write_text(text.replace(old, new), encoding="utf-8")
