from __future__ import annotations

import asyncio
import signal
import socket
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp
import pytest

from pyodide_rtc.server.cli import main

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from signaling_client import Connect

RUN = "import sys; from pyodide_rtc.server.cli import main; sys.exit(main())"


@asynccontextmanager
async def command(*arguments: str, code: str = RUN) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def read_line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async with asyncio.timeout(30):
        return (await process.stdout.readline()).decode().rstrip("\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_serves_until_told_to_stop(
    connect: Connect, http: aiohttp.ClientSession, tmp_path: Path, number: signal.Signals
) -> None:
    (tmp_path / "index.html").write_text("home")
    async with command("serve", "--port", "0", "--site", str(tmp_path)) as process:
        url = (await read_line(process)).removeprefix("listening on ")
        site_url = (await read_line(process)).removeprefix("site at ")
        assert url == site_url.replace("http:", "ws:") + "signaling"
        client = await connect(url)
        await client.check_alive()
        async with http.get(site_url) as answer:
            assert await answer.text() == "home"
        process.send_signal(number)
        assert await client.closing() == (1001, "the server stops")
        stdout, stderr = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 0
    assert stdout == b""
    assert b"Traceback" not in stderr
    assert (
        b'INFO pyodide_rtc.server joined client=1 remote="127.0.0.1" clients=1 topics=0\n' in stderr
    )


async def test_options_reach_the_server(connect: Connect) -> None:
    options = ["--max-frame-bytes", "100", "--origin", "https://a.example", "--max-topics", "1"]
    async with command("serve", "--port", "0", *options) as process:
        url = (await read_line(process)).removeprefix("listening on ")
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await connect(url)
        talker, hoarder = [await connect(url, origin="https://a.example") for _ in range(2)]
        await talker.say(type="publish", topic="x" * 100, data={})
        assert (await talker.closing()).code == 1009
        await hoarder.say(type="subscribe", topics=["a", "b"])
        assert await hoarder.closing() == (1008, "too many topics: the limit is 1")


def test_a_port_in_use_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert main(["serve", "--port", str(port)]) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(f"pyodide-rtc: cannot listen at 127.0.0.1:{port}: ")
    assert "address already in use" in output.err
    assert "Traceback" not in output.err


async def test_the_missing_extra_is_told() -> None:
    code = f"import sys; sys.modules['aiohttp'] = None; {RUN}"
    async with command("serve", code=code) as process:
        _, stderr = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 2
    assert stderr.decode() == (
        "pyodide-rtc: aiohttp is missing. Install the server: pip install 'pyodide-rtc[server]'\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["serve", "--port", "70000"], "70000 is not between 0 and 65535"),
        (["serve", "--site", "/no/such"], "/no/such is not a folder"),
        (["serve", "--max-topics", "0"], "0 is below 1"),
    ],
)
def test_wrong_arguments_are_told(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(arguments)
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
