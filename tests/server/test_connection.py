"""Real sockets: each misbehaviour closes its client, with the reason, and no other."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import socket
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from signaling_client import PATIENCE_S, SignalingClient

from pyodide_rtc.server.app import serve
from pyodide_rtc.server.relay import Limits

if TYPE_CHECKING:
    from signaling_client import Connect, Start

PUBLISH = {"type": "publish", "topic": "room", "data": {"type": "announce", "from": "me"}}


@pytest.mark.parametrize("path", ["/", "/signaling", "/any/other?x=1"])
async def test_two_clients_talk_at_any_path(start: Start, connect: Connect, path: str) -> None:
    server = await start()
    url = f"ws://127.0.0.1:{server.port}{path}"
    alice, bob = await connect(url), await connect(server.url)
    await alice.subscribe("room")
    await bob.subscribe("room")
    await alice.say(**PUBLISH)
    for client in (alice, bob):
        assert await client.hear() == {**PUBLISH, "clients": 2}


async def test_stock_clients_with_no_room_stay(start: Start, connect: Connect) -> None:
    server = await start()
    client = await connect(server.url)
    await client.subscribe()


async def test_a_client_that_goes_leaves_its_rooms(start: Start, connect: Connect) -> None:
    server = await start()
    alice, bob = await connect(server.url), await connect(server.url)
    await alice.subscribe("room")
    await bob.subscribe("room")
    await bob.socket.close()
    # The server answers the close before it forgets the client: publish until the count tells.
    async with asyncio.timeout(PATIENCE_S):
        clients = 2
        while clients == 2:
            await alice.say(**PUBLISH)
            clients = (await alice.hear())["clients"]
    assert clients == 1


def text_frame(content: str | bytes) -> tuple[bytes, aiohttp.WSMsgType]:
    payload = content.encode() if isinstance(content, str) else content
    return payload, aiohttp.WSMsgType.TEXT


@pytest.mark.parametrize(
    ("frame", "code", "reason"),
    [
        (text_frame("{"), 1007, "malformed message: expected "),
        (text_frame('{"type": "shout"}'), 1007, "malformed message: expected "),
        (text_frame(b'{"type": "\xff"}'), 1007, "text message is not utf-8"),
        ((b"{}", aiohttp.WSMsgType.BINARY), 1003, "binary message: expected JSON text"),
        (
            text_frame(json.dumps({**PUBLISH, "data": "x" * 65_536})),
            1009,
            "message too big: 65584 bytes, the limit is 65536 bytes",
        ),
        (
            text_frame(json.dumps({"type": "subscribe", "topics": [str(i) for i in range(257)]})),
            1008,
            "too many topics: the limit is 256",
        ),
    ],
    ids=["not json", "unknown type", "not utf-8", "binary", "too big", "too many topics"],
)
async def test_misbehaviour_closes_that_client_with_the_reason(
    start: Start,
    connect: Connect,
    caplog: pytest.LogCaptureFixture,
    frame: tuple[bytes, aiohttp.WSMsgType],
    code: int,
    reason: str,
) -> None:
    caplog.set_level(logging.INFO, "pyodide_rtc.server")
    server = await start()
    good, bad = await connect(server.url), await connect(server.url)
    await good.subscribe("room")
    await bad.subscribe("room")
    await bad.socket.send_frame(*frame)
    closing = await bad.closing()
    assert closing.code == code
    assert closing.reason.startswith(reason)
    assert len(closing.reason.encode()) <= 123
    await good.say(**PUBLISH)
    assert await good.hear() == {**PUBLISH, "clients": 1}
    assert f'refused client=2 remote="127.0.0.1" code={code} reason="{reason}' in caplog.text


async def test_a_frame_far_over_the_limit_closes_that_client(
    start: Start, connect: Connect
) -> None:
    server = await start(limits=Limits(max_frame_bytes=100))
    good, bad = await connect(server.url), await connect(server.url)
    await bad.socket.send_str("x" * 1601)
    assert (await bad.closing()).code == 1009
    await good.check_alive()


async def test_over_the_rate_closes_that_client(start: Start, connect: Connect) -> None:
    server = await start(limits=Limits(messages_per_s=0.001, burst_messages=3))
    good, bad = await connect(server.url), await connect(server.url)
    for _ in range(4):
        await bad.say(type="ping")
    assert await bad.closing() == (1008, "too many messages: the limit is 0.001 per second")
    await good.check_alive()


async def fill_up(good: SignalingClient, *, size: int = 60_000) -> None:
    """Publish to two subscribers, of which only this one reads, until the other is gone."""
    clients = 2
    async with asyncio.timeout(PATIENCE_S):
        while clients == 2:  # some MB: the buffers of the kernel, then those of the server
            await good.say(**{**PUBLISH, "data": "x" * size})
            clients = (await good.hear())["clients"]


SMALL_BACKLOG = Limits(
    max_backlog_bytes=200_000, burst_messages=1_000_000, burst_bytes=1_000_000_000
)


async def test_a_slow_reader_is_closed_and_holds_nobody_up(start: Start, connect: Connect) -> None:
    server = await start(limits=SMALL_BACKLOG)
    good, slow = await connect(server.url), await connect(server.url)
    await good.subscribe("room")
    await slow.subscribe("room")
    await fill_up(good)
    assert await slow.closing() == (1008, "reading too slowly: 200000 bytes were waiting")
    await good.check_alive()


async def read_slowly(socket: aiohttp.ClientWebSocketResponse, bytes_per_s: float) -> int:
    """Read with this rate until nothing comes for a while; gives how much it was."""
    size = 0
    with contextlib.suppress(TimeoutError):
        while True:
            async with asyncio.timeout(1.5):
                message = await socket.receive()
            assert message.type is aiohttp.WSMsgType.TEXT, message
            size += len(message.data)
            await asyncio.sleep(len(message.data) / bytes_per_s)
    return size


async def test_who_floods_is_slowed_then_closed_and_slow_readers_are_not(
    start: Start, connect: Connect
) -> None:
    """Reproduces: a client that was not even subscribed had slower readers closed."""
    limits = Limits(burst_bytes=256 * 1024, max_slowed_s=1.0, max_backlog_bytes=512 * 1024)
    server = await start(limits=limits)
    flooding = await connect(server.url)
    readers = [await connect(server.url) for _ in range(8)]
    for reader in readers:
        await reader.subscribe("room")
    reading = [asyncio.create_task(read_slowly(r.socket, 5e6 / 8)) for r in readers]
    with contextlib.suppress(ConnectionError):  # it is closed while it sends
        for _ in range(100):
            await flooding.say(**{**PUBLISH, "data": "x" * 60_000})
    code, reason = await flooding.closing()
    assert (code, reason) == (1008, "too many bytes: the limit is 65536 bytes per second")
    sizes = await asyncio.gather(*reading)
    assert len(set(sizes)) == 1
    assert 256 * 1024 <= sizes[0] <= 256 * 1024 + 2 * 65_536
    for reader in readers:
        await reader.check_alive()


async def subscribe_by_hand(deaf: socket.socket, port: int) -> None:
    """Make this socket a subscriber of "room" that nothing reads from any more.

    aiohttp's client would read ahead, and with it the window of the connection would grow.
    """
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)  # set by hand: never grows
    deaf.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(deaf, ("127.0.0.1", port))
    handshake = (
        f"GET /signaling HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: Upgrade\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    ).encode()
    # RFC 6455, section 5.2: text, masked with zeros, which changes nothing.
    frames = [
        bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text
        for text in (b'{"type":"subscribe","topics":["room"]}', b'{"type":"ping"}')
    ]
    await loop.sock_sendall(deaf, handshake + b"".join(frames))
    heard = b""
    while not heard.endswith(b'{"type":"pong"}'):
        part = await loop.sock_recv(deaf, 4096)
        assert part, heard
        heard += part


async def read_to_the_end(deaf: socket.socket) -> bytes:
    """What had come before the connection was cut."""
    heard = bytearray()
    with contextlib.suppress(ConnectionResetError):
        while part := await asyncio.get_running_loop().sock_recv(deaf, 1_000_000):
            heard += part
    return bytes(heard)


async def test_a_client_that_reads_nothing_is_cut_off_in_the_end(
    start: Start,
    connect: Connect,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pyodide_rtc.server.connection.CLOSE_TIMEOUT_S", 0.05)
    caplog.set_level(logging.INFO, "pyodide_rtc.server")
    server = await start(
        limits=Limits(
            max_frame_bytes=2_000_000, max_backlog_bytes=3_000_000, burst_bytes=1_000_000_000
        )
    )
    good = await connect(server.url)
    await good.subscribe("room")
    with socket.socket() as deaf:
        async with asyncio.timeout(PATIENCE_S):
            await subscribe_by_hand(deaf, server.port)
            # Frames of 1 MB: more than the kernel could make room for before the cut.
            await fill_up(good, size=1_000_000)
            while 'left client=2 remote="127.0.0.1" code=1006' not in caplog.text:
                await good.check_alive()
            heard = await read_to_the_end(deaf)
    # The close frame was behind what waited.
    assert b"xxx" in heard
    assert b"reading too slowly" not in heard
    assert "reading too slowly" in caplog.text


async def test_a_client_that_vanishes_with_messages_waiting_is_forgotten(
    start: Start, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    server = await start(
        limits=Limits(
            max_backlog_bytes=50_000_000, burst_messages=1_000_000, burst_bytes=1_000_000_000
        )
    )
    good = await connect(server.url)
    await good.subscribe("room")
    async with aiohttp.ClientSession() as session:
        vanishing = SignalingClient(await session.ws_connect(server.url))
        await vanishing.subscribe("room")
        for _ in range(300):  # 18 MB: more than the kernel takes
            await good.say(**{**PUBLISH, "data": "x" * 60_000})
            assert (await good.hear())["clients"] == 2
    await fill_up(good)
    assert "left client=2" in caplog.text
    assert {record.name for record in caplog.records} == {"pyodide_rtc.server"}  # no traceback


async def test_a_client_without_pong_is_closed(
    start: Start, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    server = await start(ping_interval_s=1.0)
    good, dead = await connect(server.url), await connect(server.url, autoping=False)
    await good.subscribe("room")
    heard = asyncio.create_task(good.hear())  # reads, and so answers pings
    async with asyncio.timeout(PATIENCE_S):
        messages = [message.type async for message in dead.socket]
    assert messages == [aiohttp.WSMsgType.PING]
    assert dead.socket.close_code == 1006
    assert 'broken client=2 remote="127.0.0.1" reason="No PONG received' in caplog.text
    await good.say(**PUBLISH)
    assert await heard == {**PUBLISH, "clients": 1}


async def test_an_origin_that_is_not_listed_is_refused(start: Start, connect: Connect) -> None:
    server = await start(origins=["https://site.example"])
    client = await connect(server.url, origin="https://site.example")
    await client.check_alive()
    for origin in ("https://other.example", None):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await connect(server.url, origin=origin)
        assert refused.value.status == 403


async def test_stop_tells_every_client(connect: Connect) -> None:
    async with serve() as server:
        clients = [await connect(server.url) for _ in range(3)]
        for client in clients:
            await client.check_alive()
        closings = [asyncio.create_task(client.closing()) for client in clients]
        started_s = time.monotonic()
    assert time.monotonic() - started_s < 2
    assert await asyncio.gather(*closings) == [(1001, "the server stops")] * 3
    with pytest.raises(aiohttp.ClientConnectorError):
        await connect(server.url)


async def test_stop_takes_the_goodbye_of_a_browser() -> None:
    # It leaves it to the server to end the connection, and waits for that: Chromium for 2 s.
    async with serve() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(
            b"GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        await reader.readuntil(b"\r\n\r\n")

        async def say_goodbye() -> bytes:
            _, size = await reader.readexactly(2)
            reason = await reader.readexactly(size)
            writer.write(bytes([0x88, 0x80 | size, 0, 0, 0, 0]) + reason)
            assert await reader.read() == b""
            return reason

        goodbye = asyncio.create_task(say_goodbye())
        started_s = time.monotonic()
    assert await goodbye == b"\x03\xe9the server stops"
    assert time.monotonic() - started_s < 2
    writer.close()


async def test_the_log_tells_who_came_and_went_and_no_payload(
    start: Start, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "pyodide_rtc.server")
    async with serve() as server:
        client = await connect(server.url)
        await client.subscribe("secret room")
        await client.say(type="publish", topic="secret room", data="secret data")
        await client.hear()
        await client.socket.close()
    assert caplog.messages == [
        'joined client=1 remote="127.0.0.1" clients=1 topics=0',
        'message client=1 remote="127.0.0.1" bytes=48 clients=1 topics=0',
        'message client=1 remote="127.0.0.1" bytes=16 clients=1 topics=1',
        'message client=1 remote="127.0.0.1" bytes=66 clients=1 topics=1',
        'left client=1 remote="127.0.0.1" code=1000 received=3 sent=2 clients=0 topics=0',
    ]
    assert "secret" not in caplog.text


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_health_check(start: Start, http: aiohttp.ClientSession, method: str) -> None:
    server = await start()
    for path in ("/", "/signaling", "/anything"):
        async with http.request(method, f"http://127.0.0.1:{server.port}{path}") as answer:
            assert answer.status == 200
            assert await answer.text() == ("okay" if method == "GET" else "")


async def test_ipv6_address_has_brackets(start: Start, connect: Connect) -> None:
    server: Any = await start(host="::1")
    assert server.url == f"ws://[::1]:{server.port}/signaling"
    await (await connect(server.url)).check_alive()
