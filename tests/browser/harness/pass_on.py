"""Pass the connections of an inherited socket on to a port of this machine or namespace.

    python pass_on.py FILE_DESCRIPTOR PORT [--host HOST] [--certificate FILE] [--delay-ms MS]

A socket stays in the network namespace in which it was made: so this is a door into another one.
With a certificate (a PEM file, its key in it) it is what a reverse proxy for `https:` is. With a
delay it is a long way: all that is sent takes so much longer, in each direction.
"""

import argparse
import asyncio
import socket
import ssl
from contextlib import suppress

START_S = 15.0
"""How long the one that is passed on to may take to start."""


async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter, delay_s: float) -> None:
    """Copy until the source ends; each piece arrives so much later."""
    now = asyncio.get_running_loop().time
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def read() -> None:
        data = b"?"
        while data:
            try:
                data = await source.read(65536)
            except ConnectionError:
                data = b""
            under_way.put_nowait((now() + delay_s, data))

    async def write() -> None:
        with suppress(ConnectionError):
            while True:
                due_s, data = await under_way.get()
                await asyncio.sleep(due_s - now())
                if not data:
                    break
                target.write(data)
                await target.drain()
        target.close()

    await asyncio.gather(read(), write())


async def connect(host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect, and wait for who still starts."""
    async with asyncio.timeout(START_S):
        while True:
            with suppress(OSError):
                return await asyncio.open_connection(host, port)
            await asyncio.sleep(0.05)


async def main(options: argparse.Namespace) -> None:
    """Pass on until the process is ended."""
    tls = None
    if options.certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(options.certificate)
    delay_s = options.delay_ms / 1000

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await connect(options.host, options.port)
        await asyncio.gather(
            copy(reader, inner_writer, delay_s), copy(inner_reader, writer, delay_s)
        )

    listener = socket.socket(fileno=options.descriptor)
    server = await asyncio.start_server(serve, sock=listener, ssl=tls)
    await server.serve_forever()


def options_of_the_command() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("descriptor", type=int)
    parser.add_argument("port", type=int)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--certificate")
    parser.add_argument("--delay-ms", type=float, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(options_of_the_command()))
