"""Build the distribution that brings our wheels into a site: `build.py --out dist`.

A prebuilt extension may carry wheels for the kernels of a site: in the folder that its package.json
names (`piplite.wheelDir`), with an index `all.json` beside them. This one carries the wheels of
pyodide-rtc and pycrdt that lie in dist/, and the pure Python wheels that they need. The same inputs
give the same bytes. If they are those of the last time, nothing is built.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.path.insert(0, str(HERE.parent))

from cache import Input, key_of  # noqa: E402  its folder is on the path only now
from downloads import (  # noqa: E402
    BYTECODE,
    PYODIDE,
    cached_wheels,
    piplite_index,
    precompile,
    pyodide_runtime,
)
from process import BuildError, run  # noqa: E402

NAME = "pyodide_rtc_site"
WHEEL_FOLDER = "labextension/static/pypi"


def newest_wheel(dist: Path, name: str) -> Path:
    """Return a wheel of ours.

    Raises:
        BuildError: there is none.
    """
    wheels = sorted(dist.glob(f"{name}-*.whl"), key=lambda wheel: wheel.stat().st_mtime)
    if not wheels:
        raise BuildError(f"no wheel of {name} in {dist}: run `make wheel pycrdt` first")
    return wheels[-1]


def build(ours: list[Path], out: Path) -> None:
    """Build the distribution with these wheels and what they need into a folder.

    Raises:
        BuildError: a download or a tool failed.
    """
    pure = cached_wheels("site-wheels", HERE / "wheels.txt")
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary, "work")
        shutil.copytree(HERE, work)
        shutil.copy(REPOSITORY / "LICENSE", work)
        folder = work / WHEEL_FOLDER
        folder.mkdir()
        for wheel in [*ours, *pure.glob("*.whl")]:
            shutil.copy(wheel, folder)
        precompile(pyodide_runtime(), folder)  # the engine starts in 2.2 s, not in 2.9
        index = json.dumps(piplite_index([*folder.glob("*.whl")]), indent=1)
        (folder / "all.json").write_text(index)
        run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", out], cwd=work)


def key(ours: list[Path]) -> str:
    """Digest all that the distribution is made of."""
    inputs: dict[str, Input] = {wheel.name: wheel for wheel in ours}
    inputs |= {"recipe": HERE, "downloads": HERE.parent / "downloads.py"}
    return key_of(inputs | {"bytecode": BYTECODE, "pyodide": PYODIDE})


def main() -> int:
    """Put the distribution into the folder that --out names, made of the wheels there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("dist"), help="where all wheels lie")
    out: Path = parser.parse_args().out.resolve()
    note = out / f"{NAME}.key"
    try:
        ours = [newest_wheel(out, name) for name in ("pyodide_rtc", "pycrdt")]
        if [*out.glob(f"{NAME}-*.whl")] and note.exists() and note.read_text() == key(ours):
            print("site wheels: up to date")
            return 0
        build(ours, out)
    except (BuildError, OSError) as error:
        print(f"site wheels: {error}", file=sys.stderr)
        return 1
    note.write_text(key(ours))
    wheel = newest_wheel(out, NAME)
    print(f"site wheels: {wheel}, {wheel.stat().st_size / 1000:.0f} kB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
