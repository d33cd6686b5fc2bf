"""Pass the connections of an inherited socket on to a port of this machine or namespace.

    python pass_on.py FILE_DESCRIPTOR PORT [CERTIFICATE]

A socket stays in the network namespace in which it was made: so this is a door into another one.
With a certificate (a PEM file, its key in it) it is what a reverse proxy for `https:` is.
"""

import asyncio
import socket
import ssl
import sys
from contextlib import suppress

START_S = 15.0
"""How long the one that is passed on to may take to start."""


async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Copy until the source ends."""
    with suppress(ConnectionError):
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
    target.close()


async def connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect, and wait for who still starts."""
    async with asyncio.timeout(START_S):
        while True:
            with suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", port)
            await asyncio.sleep(0.05)


async def main(listener: socket.socket, port: int, tls: ssl.SSLContext | None) -> None:
    """Pass on until the process is ended."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner_reader, inner_writer = await connect(port)
        await asyncio.gather(copy(reader, inner_writer), copy(inner_reader, writer))

    server = await asyncio.start_server(serve, sock=listener, ssl=tls)
    await server.serve_forever()


if __name__ == "__main__":
    descriptor, port, *certificate = sys.argv[1:]
    tls = None
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*certificate)
    with suppress(KeyboardInterrupt):
        asyncio.run(main(socket.socket(fileno=int(descriptor)), int(port), tls))
