"""Serves a folder of files over HTTP: the JupyterLite site beside its signaling server.

Owns which file a path means, its type, and how long it may be cached. aiohttp sends it (in pieces,
ranges, conditional requests, HEAD).
"""

from __future__ import annotations

__all__ = ["StaticSite"]

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from pathlib import Path

# Named here as the system's own table differs between machines, and a browser runs neither a
# module nor WebAssembly of a wrong type.
_CONTENT_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ipynb": "application/json",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".py": "text/x-python; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".whl": "application/zip",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}


class StaticSite:
    """The files below one folder.

    Args:
        root: the folder. Links in it that lead out of it are not followed.
    """

    def __init__(self, root: Path) -> None:
        self._root = root.resolve()

    async def respond(self, request: web.Request) -> web.StreamResponse:
        """Answer a GET or HEAD with the file that its path means; a folder's ends with a slash.

        Raises:
            web.HTTPNotFound: there is no such file below the folder.
        """
        return await asyncio.to_thread(self._answer, request)

    def _answer(self, request: web.Request) -> web.StreamResponse:
        found = self._find(request.path)
        if found is None:
            raise web.HTTPNotFound(text="404: this site has no such file\n")
        if found.is_dir():
            return web.Response(status=302, headers={"Location": _with_slash(request)})
        # no-cache: kept by the browser, but asked for again with its ETag at each load, so that a
        # new build of the site is seen at once.
        headers = {"Cache-Control": "no-cache"}
        content_type = _CONTENT_TYPES.get(found.suffix.lower())
        if content_type is not None:
            headers["Content-Type"] = content_type
        return web.FileResponse(found, headers=headers)

    def _find(self, path: str) -> Path | None:
        if path.endswith("/"):
            path += "index.html"
        parts = [part for part in path.split("/") if part]
        if ".." in parts or "\\" in path or "\0" in path:
            return None
        try:
            found = self._root.joinpath(*parts).resolve(strict=True)
        except (OSError, RuntimeError):  # no such file, name too long; links in a circle
            return None
        return found if found.is_relative_to(self._root) else None


def _with_slash(request: web.Request) -> str:
    # Relative, so that it holds behind a proxy that serves the site below a prefix, and leads to no
    # other host; "./", so that a name with a colon is not taken for a scheme.
    url = request.rel_url
    location = f"./{url.raw_path.rpartition('/')[2]}/"
    return f"{location}?{url.raw_query_string}" if url.raw_query_string else location
