"""Bundles the stock y-webrtc page, once per version of its packages."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

_HERE = Path(__file__).parent
sys.path.insert(0, str(_HERE.parents[2] / "recipes"))

from cache import cached  # noqa: E402 - its folder is not a package

_PAGE = '<!doctype html><meta charset="utf-8"><title>stock</title><script src="stock.js"></script>'


def stock_page_folder() -> Path:
    """Give a folder with `index.html` and the bundle beside it."""
    inputs = {name: _HERE / name for name in ("package.json", "entry.js", "page.py")}
    return cached("stock-page", inputs, _build, takes="about 10 s")


def _build(folder: Path) -> None:
    work = folder / "work"
    work.mkdir()
    for name in ("package.json", "entry.js"):
        shutil.copy(_HERE / name, work)
    _run(work, "npm", "install", "--no-audit", "--no-fund", "--no-package-lock", "--silent")
    bundle = f"--outfile={folder / 'stock.js'}"
    _run(
        work, "node_modules/.bin/esbuild", "entry.js", "--bundle", "--define:global=window", bundle
    )
    shutil.rmtree(work)
    (folder / "index.html").write_text(_PAGE)


def _run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
