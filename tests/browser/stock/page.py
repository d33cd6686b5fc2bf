"""Bundles the stock y-webrtc page, and its signaling server, once per version of the packages."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HERE = Path(__file__).parent
sys.path.insert(0, str(_HERE.parents[2] / "recipes"))

from cache import cached  # noqa: E402 - its folder is not a package

_PAGE = '<!doctype html><meta charset="utf-8"><title>stock</title><script src="stock.js"></script>'


def stock_page_folder() -> Path:
    """Give a folder with `index.html` and the bundle beside it, and the server as `server.mjs`."""
    inputs = {name: _HERE / name for name in ("package.json", "entry.js", "page.py")}
    return cached("stock-page", inputs, _build, takes="about 10 s")


@contextmanager
def serve_stock_signaling() -> Iterator[str]:
    """Run y-webrtc's own signaling server, and give its address."""
    with socket.create_server(("localhost", 0)) as free:
        port = free.getsockname()[1]
    command = ["node", str(stock_page_folder() / "server.mjs")]
    environment = {**os.environ, "PORT": str(port)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None, "asked for a pipe"
        said = process.stdout.readline()
        try:
            assert "running" in said, said
            yield f"ws://localhost:{port}"
        finally:
            process.terminate()


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
    server = ("node_modules/y-webrtc/bin/server.js", f"--outfile={folder / 'server.mjs'}")
    require = (
        "--banner:js=import { createRequire } from 'module';const require = createRequire('/');"
    )
    _run(
        work,
        "node_modules/.bin/esbuild",
        *server,
        "--bundle",
        "--platform=node",
        "--format=esm",
        require,
    )
    shutil.rmtree(work)
    (folder / "index.html").write_text(_PAGE)


def _run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
