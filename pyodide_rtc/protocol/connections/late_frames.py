"""What a connection has brought, and what was not dealt with before it ended.

Its peer may have written it and closed the page: nobody else may have it. So changes of documents
are taken still, those in chunks as well; whatever else it says is about a connection that is no
more.
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
    """The frames of links that are gone.

    Args:
        max_received_bytes: the largest message that is taken.
    """

    max_received_bytes: int
    _links: dict[LinkId, PeerLink] = field(default_factory=dict)

    def keep(self, link: PeerLink) -> None:
        """Keep what a link has brought of a message in chunks: the rest may wait here still."""
        self._links[link.id] = link

    def end(self, link: LinkId) -> None:
        """Take that nothing waits of a link any more."""
        self._links.pop(link, None)

    def read(self, event: FramesReceived, now_s: float) -> tuple[list[Message], list[Report]]:
        """Read frames of a link that is gone: what they say, and what is wrong with others."""
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
