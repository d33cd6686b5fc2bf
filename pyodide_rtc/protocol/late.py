"""What a connection has brought, and what was not dealt with before it ended.

Its peer may have written it and closed the page: nobody else may have it. So changes of the
document are taken still; whatever else it says is about a connection that is no more.
"""

from __future__ import annotations

from pyodide_rtc.errors import RemoteProtocolError
from pyodide_rtc.protocol.effects import ApplyUpdate, Effect, Report
from pyodide_rtc.protocol.events import FramesReceived
from pyodide_rtc.wire.messages import SyncStep2, SyncUpdate, decode


def late_updates(event: FramesReceived, max_bytes: int) -> list[Effect]:
    """Give the changes of the document among frames of a link that is gone.

    Args:
        event: the frames.
        max_bytes: the largest that is taken.
    """
    effects: list[Effect] = []
    for frame in event.frames:
        try:
            message = decode(frame, max_bytes=max_bytes)
        except RemoteProtocolError as error:
            effects.append(Report(error))
            continue
        if isinstance(message, SyncUpdate | SyncStep2):
            effects.append(ApplyUpdate(event.link, message.update))
    return effects
