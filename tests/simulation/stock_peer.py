"""A model of a y-webrtc 10.3 peer, faults included, on the ports of a `Network`'s host.

It knows none of our keys. An initiator hears only the channel that it created itself, for ever:
that is simple-peer, and the reason why two of them that offer at once connect and hear nothing.
An initiator that gets an offer while it still makes its own breaks (its `setLocalDescription`
fails), as does one that gets an answer to an offer that it has rolled back. A connection that
breaks is told by two announces, for simple-peer's `error` and for its `close`.
What comes from one peer goes on to all, the sender included.
It can be made to lose messages of the document, both ways, as a bug would.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from pycrdt import Doc, TransactionEvent

from pyodide_rtc.errors import BridgeError
from pyodide_rtc.ports import DataChannel
from pyodide_rtc.testing import MemoryHost
from pyodide_rtc.wire.messages import (
    AwarenessMessage,
    Message,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
    decode,
    encode,
)

from .stock_awareness import StockAwareness

RECONNECT_S = 1.0


class StockPeer:
    """One provider with its document.

    Args:
        host: its browser.
        url: the signaling server.
        topic: the room's name.
        token_base: glare tokens lie between this and one more.
        doc: its document; by default a new one.
    """

    def __init__(
        self,
        host: MemoryHost,
        url: str,
        topic: str,
        token_base: float,
        doc: Doc[Any] | None = None,
    ) -> None:
        self.doc: Doc[Any] = Doc() if doc is None else doc
        self.conns: dict[str, StockConn] = {}
        self.host = host
        self.peer_id = f"stock-{host.machine.random_bytes(8).hex()}"
        self._url = url
        self._topic = topic
        self._token_base = token_base
        self._loop = asyncio.get_running_loop()
        self.awareness = StockAwareness(
            self.doc.client_id, self._loop.time, self._broadcast_awareness
        )
        self._subscription = self.doc.observe(self._broadcast_update)
        self.is_lost: Callable[[Message], bool] = lambda message: False
        """Asked for each message that it sends."""
        self.is_missed: Callable[[Message, float], bool] = lambda message, open_for_s: False
        """Asked for each that it gets, and for how long the data channel has been open."""
        self.offer_s = 0.0
        """How long its browser takes to make an offer."""
        self.broken = 0  # connections that an early offer has broken
        self._is_open = False
        self._reconnect_handle: asyncio.TimerHandle | None = None
        self._check_handle = self._loop.call_later(3.0, self._check)
        self._connect()

    def new_token(self) -> float:
        return self._token_base + self.host.machine.random()

    def leave(self) -> None:
        self.awareness.set_local(None)
        self.doc.unobserve(self._subscription)
        self._check_handle.cancel()
        if self._reconnect_handle is not None:
            self._reconnect_handle.cancel()
        self._is_open = False
        self._socket.close()
        for conn in list(self.conns.values()):
            conn.transport.close()
        self.conns.clear()

    def publish(self, data: dict[str, object]) -> None:
        if self._is_open:
            frame = {"type": "publish", "topic": self._topic, "data": data}
            self._socket.send(json.dumps(frame))

    def announce(self) -> None:
        self.publish({"type": "announce", "from": self.peer_id})

    def broadcast(self, message: Message) -> None:
        for conn in list(self.conns.values()):
            conn.send(message)

    # The signaling socket.

    def on_open(self) -> None:
        self._is_open = True
        self._socket.send(json.dumps({"type": "subscribe", "topics": [self._topic]}))
        self.announce()

    def on_close(self, reason: str) -> None:
        self._is_open = False
        self._reconnect_handle = self._loop.call_later(RECONNECT_S, self._connect)

    def on_text(self, text: str) -> None:
        frame = json.loads(text)
        data = frame.get("data")
        if frame["type"] != "publish" or data is None or data["from"] == self.peer_id:
            return
        if "to" in data and data["to"] != self.peer_id:
            return
        if data["type"] == "announce":
            if data["from"] not in self.conns:
                self.conns[data["from"]] = StockConn(self, data["from"], is_initiator=True)
        elif data["type"] == "signal":
            self._on_signal(data)

    def _on_signal(self, data: dict[str, Any]) -> None:
        sender, signal = data["from"], data["signal"]
        conn = self.conns.get(sender)
        if signal["type"] == "offer" and conn is not None:
            if conn.token is not None and conn.token > data["token"]:
                return
            conn.token = None
        if signal["type"] == "answer":
            if conn is None:
                return  # y-webrtc throws here, which its event handler survives
            conn.token = None
        if conn is None:
            conn = self.conns[sender] = StockConn(self, sender, is_initiator=False)
        conn.signal(signal)

    # Inside.

    def _connect(self) -> None:
        self._socket = self.host.network.open_socket(self._url, self)

    def _check(self) -> None:
        self.awareness.check()
        self._check_handle = self._loop.call_later(3.0, self._check)

    def _broadcast_update(self, event: TransactionEvent) -> None:
        self.broadcast(SyncUpdate(event.update))

    def _broadcast_awareness(self, client_ids: list[int]) -> None:
        if self.conns:
            self.broadcast(AwarenessMessage(self.awareness.encode(client_ids)))


class StockConn:
    """One simple-peer connection with what y-webrtc builds around it."""

    def __init__(self, room: StockPeer, remote: str, *, is_initiator: bool) -> None:
        self.token: float | None = None
        self.is_connected = False
        self.heard: list[Message] = []
        self.transport = room.host.network.open_peer(self, ice_servers=(), is_offering=is_initiator)
        self._room = room
        self._remote = remote
        self._is_initiator = is_initiator
        self.channel: DataChannel | None = None
        self._is_described = False
        self._pending: list[dict[str, Any]] = []
        self._is_broken = False
        self._opened_s = 0.0
        self._is_creating = is_initiator
        if is_initiator:
            room.host.fabric.deliver((self, "operations"), self._created, after_s=room.offer_s)

    @property
    def is_waiting(self) -> bool:
        """Whether its offer has no answer. Should the offer be lost, it waits for ever: y-webrtc
        knows no time-out, and passes over the announces of a peer that it waits for."""
        return self._is_initiator and not self._is_described

    def _created(self) -> None:
        """The own offer is made, and can be set, unless one of the peer stands there meanwhile."""
        self._is_creating = False
        if self._is_broken:
            self._room.broken += 1
            self.on_error("offer", "have-remote-offer")
        else:
            self.transport.offer(in_band=True)

    def signal(self, signal: dict[str, Any]) -> None:
        if signal["type"] == "candidate":
            self._pending.append(signal["candidate"])
        elif self._is_creating:
            self._is_broken = True
        elif signal["type"] in ("offer", "answer"):
            self.transport.accept_description(signal["type"], signal["sdp"])
            self._is_described = True
        if self._is_described:
            pending, self._pending = self._pending, []
            for c in pending:
                self.transport.add_candidate(c["candidate"], c["sdpMLineIndex"], c["sdpMid"])

    def send(self, message: Message) -> None:
        if self.is_connected and self.channel is not None and not self._room.is_lost(message):
            with suppress(BridgeError):  # y-webrtc swallows it
                self.channel.send(encode(message))

    # The peer connection.

    def on_prepared(self, sdp: str) -> None:
        """Tell nobody: a stock peer has no use for an offer in hand."""

    def on_description(self, kind: str, sdp: str) -> None:
        self._publish({"type": kind, "sdp": sdp})

    def on_candidate(self, candidate: str, index: int | None, mid: str | None) -> None:
        inner = {"candidate": candidate, "sdpMLineIndex": index, "sdpMid": mid}
        self._publish({"type": "candidate", "candidate": inner})

    def on_channel(self, channel: DataChannel, side: str) -> None:
        if side == ("local" if self._is_initiator else "remote"):
            self.channel = channel
            channel.listen(self)

    def on_state(self, state: str, max_message_bytes: int | None) -> None:
        if state in ("failed", "closed"):
            self.on_error("state", state)

    def on_path(self, is_relayed: bool) -> None: ...

    def on_round_trip(self, round_trip_s: float) -> None: ...

    def on_quiet(self, quiet_s: float, is_asleep: bool) -> None: ...

    def on_error(self, operation: str, reason: str) -> None:
        # simple-peer gives itself up at any refusal
        if self._room.conns.get(self._remote) is self:
            self._room.announce()
            self.on_close()

    # The data channel.

    def on_open(self) -> None:
        self.is_connected = True
        self._opened_s = asyncio.get_running_loop().time()
        room = self._room
        self.send(SyncStep1(room.doc.get_state()))
        states = list(room.awareness.states)
        if states:
            self.send(AwarenessMessage(room.awareness.encode(states)))

    def on_messages(self, messages: Sequence[bytes]) -> None:
        for data in messages:
            self._on_message(data)

    def _on_message(self, data: bytes) -> None:
        message = decode(data, max_bytes=1 << 24)
        room = self._room
        if room.is_missed(message, asyncio.get_running_loop().time() - self._opened_s):
            return
        self.heard.append(message)
        match message:
            case SyncStep1(state_vector):
                self.send(SyncStep2(room.doc.get_update(state_vector)))
            case SyncStep2(update) | SyncUpdate(update):
                room.doc.apply_update(update)
            case AwarenessMessage(update):
                room.awareness.apply(update)

    def on_drain(self) -> None: ...

    def on_close(self) -> None:
        self.is_connected = False
        if self._room.conns.get(self._remote) is self:
            del self._room.conns[self._remote]
            self.transport.close()
            self._room.announce()

    def _publish(self, signal: dict[str, object]) -> None:
        if self.token is None:
            self.token = self._room.new_token()
        self._room.publish(
            {
                "to": self._remote,
                "from": self._room.peer_id,
                "type": "signal",
                "token": self.token,
                "signal": signal,
            }
        )
