"""The command ``pyodide-rtc``."""

from __future__ import annotations

__all__ = ["main"]

import argparse
import asyncio
import logging
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pyodide_rtc._version import __version__
from pyodide_rtc.server.relay import Limits

if TYPE_CHECKING:
    from collections.abc import Sequence

_USAGE_ERROR = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: its arguments, without the program's name; None takes those of the process.

    Returns:
        The exit code: 0, or 2 when the server could not start.
    """
    options = _parser().parse_args(argv)
    logging.basicConfig(
        level=logging.DEBUG if options.verbose else logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
    )
    # asyncio's debug lines are about its own insides.
    logging.getLogger("asyncio").setLevel(logging.INFO)
    try:
        asyncio.run(_serve(options))
    except KeyboardInterrupt:  # Windows; elsewhere the signal is handled in _serve
        return 0
    except ModuleNotFoundError as exc:
        if exc.name != "aiohttp":
            raise
        return _fail("aiohttp is missing. Install the server: pip install 'pyodide-rtc[server]'")
    except OSError as exc:
        return _fail(f"cannot listen at {options.host}:{options.port}: {exc.strerror or exc}")
    return 0


def _parser() -> argparse.ArgumentParser:
    limits = Limits()
    parser = argparse.ArgumentParser(
        prog="pyodide-rtc", description="Real time collaboration for JupyterLite."
    )
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = commands.add_parser(
        "serve", help="run a signaling server, and a static site beside it if wanted"
    )
    add = serve.add_argument
    add("--host", default="127.0.0.1", help="name or address to listen at (%(default)s)")
    add("--port", type=_port, default=4444, help="0 takes any free one (%(default)s)")
    add("--site", type=_folder, metavar="DIR", help="static site to serve on the same port")
    add(
        "--origin",
        action="append",
        metavar="URL",
        help="let only pages of this origin use the signaling; may be given more than once",
    )
    for option, default, meaning in (
        ("--max-frame-bytes", limits.max_frame_bytes, "size of one message"),
        ("--max-topics", limits.max_topics, "subscriptions of one client"),
        ("--messages-per-s", limits.messages_per_s, "of one client in the long run"),
        ("--burst-messages", limits.burst_messages, "of one client at once"),
        ("--bytes-per-s", limits.bytes_per_s, "of one client in the long run"),
        ("--burst-bytes", limits.burst_bytes, "of one client at once"),
    ):
        add(option, type=_positive, default=default, metavar="N", help=f"{meaning} ({default:g})")
    add("-v", "--verbose", action="store_true", help="log each message's size, too")
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{port} is not between 0 and 65535")
    return port


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is below 1")
    return number


def _folder(text: str) -> Path:
    folder = Path(text)
    if not folder.is_dir():
        raise argparse.ArgumentTypeError(f"{text} is not a folder")
    return folder


async def _serve(options: argparse.Namespace) -> None:
    from pyodide_rtc.server.app import serve  # here: aiohttp may be missing, and is told by main

    limits = Limits(
        max_frame_bytes=options.max_frame_bytes,
        max_topics=options.max_topics,
        messages_per_s=options.messages_per_s,
        burst_messages=options.burst_messages,
        bytes_per_s=options.bytes_per_s,
        burst_bytes=options.burst_bytes,
    )
    async with serve(
        host=options.host,
        port=options.port,
        site=options.site,
        limits=limits,
        origins=options.origin,
    ) as server:
        stopped = asyncio.Event()
        if sys.platform != "win32":
            for number in (signal.SIGINT, signal.SIGTERM):
                asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        _say(f"listening on {server.url}")
        if options.site is not None:
            _say(f"site at {server.site_url}")
        await stopped.wait()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()  # a script waits for it at the other end of a pipe


def _fail(message: str) -> int:
    sys.stderr.write(f"pyodide-rtc: {message}\n")
    return _USAGE_ERROR
