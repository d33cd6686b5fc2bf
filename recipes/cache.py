"""A cache of slow build results, in the user's cache folder.

A result is a folder `<name>-<key>` whose key is made of everything that the result depends on, so a
result is never stale and never needs to be cleared: other inputs are another folder. Standard
library only, since it runs before anything is installed. To use it from another script:

    sys.path.insert(0, str(REPOSITORY / "recipes"))
    from cache import cached

    folder = cached("pyodide", {"version": "314.0.6", "lock": Path("lock.json")}, download)
"""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

Input = str | Path
"""What a result depends on: text by its characters, a file or a folder by what it holds."""


def cache_root() -> Path:
    """Return the folder of all results; it may not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "pyodide-rtc"


def key_of(inputs: Mapping[str, Input]) -> str:
    """Digest inputs into 16 hexadecimal digits; neither their order nor a path's place counts.

    Raises:
        OSError: a file among the inputs cannot be read.
    """
    digest = hashlib.sha256()
    for name in sorted(inputs):
        for part in _parts(name, inputs[name]):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:16]


def _parts(name: str, value: Input) -> Iterator[bytes]:
    yield name.encode()
    if isinstance(value, str):
        yield value.encode()
    elif value.is_dir():
        for path in sorted(value.rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path.relative_to(value).as_posix().encode()
                yield path.read_bytes()
    else:
        yield value.read_bytes()


def cached(
    name: str,
    inputs: Mapping[str, Input],
    build: Callable[[Path], object],
    *,
    takes: str = "",
) -> Path:
    """Return the folder that `build` fills, building only where these inputs were never built.

    The result appears whole or not at all: `build` writes into a temporary folder that is renamed
    when it returns and removed when it raises. Of two processes that build the same at once, the
    first to finish wins and both get its result. Treat the folder as read-only.

    Args:
        name: what is built, for people; part of the folder's name.
        inputs: all that the result depends on, the building code's own files included.
        build: fills the empty folder that it is given.
        takes: how long a build takes, for the progress line, such as "about 2 minutes".

    Raises:
        OSError: the cache folder cannot be written, or an input not read.
        Exception: whatever `build` raises.
    """
    result = cache_root() / f"{name}-{key_of(inputs)}"
    if result.is_dir():
        print(f"{name}: from the cache, {result}", flush=True)
        return result
    print(f"{name}: building{f' ({takes})' if takes else ''} ...", flush=True)
    result.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    work = Path(tempfile.mkdtemp(prefix=f"{result.name}.", dir=result.parent))
    try:
        build(work)
        _move_into_place(work, result)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"{name}: built in {time.monotonic() - started:.0f} s, {result}", flush=True)
    return result


def _move_into_place(work: Path, result: Path) -> None:
    try:
        work.rename(result)
    except OSError:
        if not result.is_dir():  # otherwise another process was first, with the same content
            raise
