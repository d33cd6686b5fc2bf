"""A signaling server that is far away: what goes to it and comes from it takes its time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from threading import Thread


async def _carry(
    source: asyncio.StreamReader, target: asyncio.StreamWriter, delay_s: float
) -> None:
    """Pass on each piece that much later; the end, too."""
    loop = asyncio.get_running_loop()
    with suppress(ConnectionError):
        while data := await source.read(65_536):
            loop.call_later(delay_s, target.write, data)
    loop.call_later(delay_s, target.close)


@contextmanager
def at_a_distance(port: int, delay_s: float) -> Iterator[str]:
    """Give the address of the signaling server at that port of this machine, seen from afar.

    Args:
        port: where it listens.
        delay_s: what each way takes, that of connecting included.
    """
    started: Future[tuple[int, Callable[[], object]]] = Future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(delay_s)
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", port)
        await asyncio.gather(
            _carry(reader, server_writer, delay_s), _carry(server_reader, writer, delay_s)
        )

    async def listen() -> None:
        loop, is_over = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        number = server.sockets[0].getsockname()[1]
        started.set_result((number, lambda: loop.call_soon_threadsafe(is_over.set)))
        await is_over.wait()
        server.close()

    thread = Thread(target=lambda: asyncio.run(listen()), daemon=True)
    thread.start()
    number, end = started.result(timeout=10)
    try:
        yield f"ws://localhost:{number}/signaling"
    finally:
        end()
        thread.join()
