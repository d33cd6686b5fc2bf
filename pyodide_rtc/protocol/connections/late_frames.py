"""Frames that came by a peer connection, and still waited when it was closed.

Their peer may have made an edit and then closed its page: nobody else may have that edit. So
updates of documents are still applied, those in chunks as well. All other messages are about a
connection that no longer exists.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pyodide_rtc.errors import RemoteProtocolError
from pyodide_rtc.protocol.effects import Report
from pyodide_rtc.protocol.events import FramesReceived, LinkId
from pyodide_rtc.protocol.link import PeerLink
from pyodide_rtc.wire.messages import Message, decode


@dataclass(slots=True)
class LateFrames:
    """Reads the frames of closed links.

    Args:
        max_received_bytes: the largest message that a peer may send.
    """

    max_received_bytes: int
    _links: dict[LinkId, PeerLink] = field(default_factory=dict)

    def keep(self, link: PeerLink) -> None:
        """Keep a closed link: it holds the first chunks of a message whose rest may still wait."""
        self._links[link.id] = link

    def end(self, link: LinkId) -> None:
        """Forget a link of which nothing waits any more."""
        self._links.pop(link, None)

    def read(self, event: FramesReceived, now_s: float) -> tuple[list[Message], list[Report]]:
        """Read frames of a closed link; return their messages, and the faults in the others."""
        messages: list[Message] = []
        faults: list[Report] = []
        link = self._links.get(event.link)
        for frame in event.frames:
            try:
                if link is None:
                    messages.append(decode(frame, max_bytes=self.max_received_bytes))
                elif (message := link.read(frame, now_s)[0]) is not None:
                    messages.append(message)
            except RemoteProtocolError as error:
                faults.append(Report(error))
        return messages, faults
