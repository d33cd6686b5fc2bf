"""What a connection has brought, and what was not dealt with before it ended.

Its peer may have written it and closed the page: nobody else may have it. So changes of the
document are taken still, those in chunks as well; whatever else it says is about a connection that
is no more.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pyodide_rtc.errors import RemoteProtocolError
from pyodide_rtc.protocol.effects import ApplyUpdate, Effect, Report
from pyodide_rtc.protocol.events import FramesReceived, Link
from pyodide_rtc.protocol.link import Traffic
from pyodide_rtc.wire.chunks import CHUNK_TYPE
from pyodide_rtc.wire.messages import Message, SyncStep2, SyncUpdate, UnknownMessage, decode


@dataclass(slots=True)
class LateFrames:
    """The frames of links that are gone.

    Args:
        max_received_bytes: the largest message that is taken.
    """

    max_received_bytes: int
    _traffic: dict[Link, Traffic] = field(default_factory=dict)

    def keep(self, link: Link, traffic: Traffic) -> None:
        """Keep what a link has brought of a message in chunks: the rest may wait here still."""
        self._traffic[link] = traffic

    def end(self, link: Link) -> None:
        """Take that nothing waits of a link any more."""
        self._traffic.pop(link, None)

    def take(self, event: FramesReceived, now_s: float) -> list[Effect]:
        """Give the changes of the document among frames of a link that is gone."""
        effects: list[Effect] = []
        for frame in event.frames:
            try:
                message = self._read(event.link, frame, now_s)
            except RemoteProtocolError as error:
                effects.append(Report(error))
                continue
            if isinstance(message, SyncUpdate | SyncStep2):
                effects.append(ApplyUpdate(event.link, message.update))
        return effects

    def _read(self, link: Link, frame: bytes, now_s: float) -> Message | None:
        message = decode(frame, max_bytes=self.max_received_bytes)
        traffic = self._traffic.get(link)
        if traffic is None or traffic.peer.capability is None:
            return message
        if isinstance(message, UnknownMessage) and message.type == CHUNK_TYPE:
            return traffic.on_chunk(message.body, now_s)[0]
        return message
