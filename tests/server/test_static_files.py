from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp
    from signaling_client import Connect, Start

    from pyodide_rtc.server.app import RunningServer


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secret.txt").write_text("secret")
    root = tmp_path / "site"
    (root / "lab" / "a:b c").mkdir(parents=True)
    (root / "index.html").write_text("<p>home</p>")
    (root / "lab" / "index.html").write_text("<p>lab</p>")
    (root / "lab" / "a:b c" / "index.html").write_text("<p>odd</p>")
    (root / "empty").mkdir()
    (root / "big.wasm").write_bytes(bytes(range(256)) * 60_000)
    (root / "täst.txt").write_text("umlaut")
    (root / "out.txt").symlink_to(tmp_path / "secret.txt")
    (root / "out").symlink_to(tmp_path)
    (root / "in.html").symlink_to("index.html")
    (root / "circle").symlink_to("circle")
    os.mkfifo(root / "pipe")
    return root


@pytest.fixture
async def server(start: Start, root: Path) -> RunningServer:
    return await start(site=root)


async def get(
    http: aiohttp.ClientSession, server: RunningServer, path: str, **arguments: Any
) -> tuple[int, bytes, Any]:
    url = f"http://127.0.0.1:{server.port}{path}"
    async with http.request(arguments.pop("method", "GET"), url, **arguments) as answer:
        return answer.status, await answer.read(), answer.headers


async def get_raw(server: RunningServer, target: str) -> tuple[int, bytes]:
    """Ask for a target that a well-behaved client would tidy up first."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


async def test_root_serves_the_index_and_signaling_the_health_check(
    http: aiohttp.ClientSession, server: RunningServer, connect: Connect
) -> None:
    assert (await get(http, server, "/?room=demo"))[:2] == (200, b"<p>home</p>")
    assert (await get(http, server, "/signaling"))[:2] == (200, b"okay")
    await (await connect(server.url)).check_alive()


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("a.js", "text/javascript; charset=utf-8"),
        ("a.MJS", "text/javascript; charset=utf-8"),
        ("a.html", "text/html; charset=utf-8"),
        ("a.css", "text/css; charset=utf-8"),
        ("a.wasm", "application/wasm"),
        ("a.json", "application/json"),
        ("a.ipynb", "application/json"),
        ("a.svg", "image/svg+xml"),
        ("a.png", "image/png"),
        ("a-1.0-py3-none-any.whl", "application/zip"),
        ("a.unheard-of", "application/octet-stream"),
    ],
)
async def test_content_types(
    http: aiohttp.ClientSession, server: RunningServer, root: Path, name: str, content_type: str
) -> None:
    (root / name).write_bytes(b"content")
    status, body, headers = await get(http, server, f"/{name}")
    assert (status, body) == (200, b"content")
    assert headers["Content-Type"] == content_type
    assert headers["Cache-Control"] == "no-cache"


async def test_names_are_percent_decoded(
    http: aiohttp.ClientSession, server: RunningServer
) -> None:
    assert (await get(http, server, "/täst.txt"))[:2] == (200, b"umlaut")


@pytest.mark.parametrize(
    ("path", "location"),
    [
        ("/lab", "./lab/"),
        ("/lab?room=a%20b", "./lab/?room=a%20b"),
        ("/lab/a:b%20c", "./a:b%20c/"),
        ("//lab", "./lab/"),
    ],
)
async def test_a_folder_redirects_to_its_slash_and_keeps_the_query(
    http: aiohttp.ClientSession, server: RunningServer, path: str, location: str
) -> None:
    status, _, headers = await get(http, server, path, allow_redirects=False)
    assert (status, headers["Location"]) == (302, location)
    assert (await get(http, server, path))[0] == 200


@pytest.mark.parametrize("path", ["/none.js", "/empty/", "/index.html/", "/" + "x" * 5000])
async def test_what_is_not_there_is_told(
    http: aiohttp.ClientSession, server: RunningServer, path: str
) -> None:
    assert (await get(http, server, path))[:2] == (404, b"404: this site has no such file\n")


@pytest.mark.parametrize(
    "target",
    [
        "/../secret.txt",
        "/lab/../../secret.txt",
        "/lab/../index.html",
        "/%2e%2e/secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%5csecret.txt",
        "/lab\\..\\..\\secret.txt",
        "/out.txt",
        "/out/secret.txt",
        "/index.html%00.js",
        "/circle",
        "/%ff",
    ],
)
async def test_nothing_outside_the_site_is_served(server: RunningServer, target: str) -> None:
    status, body = await get_raw(server, target)
    assert status == 404
    assert b"secret" not in body


async def test_an_absolute_path_stays_inside(server: RunningServer, root: Path) -> None:
    for prefix in ("/", "//", "/%2f"):
        assert (await get_raw(server, f"{prefix}{root.parent}/secret.txt"))[0] == 404


async def test_links_inside_and_special_files(
    http: aiohttp.ClientSession, server: RunningServer
) -> None:
    assert (await get(http, server, "/in.html"))[:2] == (200, b"<p>home</p>")
    assert (await get(http, server, "/pipe"))[0] == 403


async def test_head_and_other_methods(http: aiohttp.ClientSession, server: RunningServer) -> None:
    status, body, headers = await get(http, server, "/big.wasm", method="HEAD")
    assert (status, body, headers["Content-Length"]) == (200, b"", "15360000")
    assert (await get(http, server, "/", method="POST"))[0] == 405


async def test_an_unchanged_file_is_not_sent_again(
    http: aiohttp.ClientSession, server: RunningServer, root: Path
) -> None:
    _, _, headers = await get(http, server, "/index.html")
    condition = {"If-None-Match": headers["ETag"]}
    status, body, headers = await get(http, server, "/index.html", headers=condition)
    assert (status, body, headers["Cache-Control"]) == (304, b"", "no-cache")
    (root / "index.html").write_text("<p>another home</p>")
    assert (await get(http, server, "/index.html", headers=condition))[0] == 200


async def test_a_big_download_does_not_hold_up_signaling(
    http: aiohttp.ClientSession, server: RunningServer, connect: Connect, root: Path
) -> None:
    client = await connect(server.url)
    async with http.get(f"http://127.0.0.1:{server.port}/big.wasm") as answer:
        await client.check_alive()  # while nobody reads the 15 MB
        assert await answer.read() == (root / "big.wasm").read_bytes()
