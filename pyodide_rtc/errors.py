"""Every error that pyodide-rtc raises or reports as an event.

The tree::

    RtcError
    |- ConfigError                  the page, the site or the caller did not say what is needed
    |- ProtocolError                (abstract)
    |  |- LocalProtocolError        the caller asked for something illegal in this state
    |  `- RemoteProtocolError       a peer or a relay broke the protocol
    |     |- DecodeError            bytes or JSON that are not what they should be
    |     |- MessageTooBigError     one message over its limit
    |     `- PeerLimitError         more of something than one peer may make us deal with
    |- DecryptionError              another password, or a frame of another room
    |- SignalingError
    |  |- SignalingUnavailableError the server cannot be reached
    |  `- SignalingClosedError      the server closed the socket
    |- ChangesMissingError          something that others build upon is lost
    |- PeerError
    |  |- NegotiationError          the offer and answer dance failed
    |  |- IceFailedError            no network path to the peer
    |  |- SameClientError           the peer's document has our client id
    |  `- PeerClosedError           the peer has gone
    |- BrowserUnsupportedError      the browser or the site lacks something that is needed
    |- BridgeError                  the link between kernel and page failed
    |  `- BridgeTimeoutError        (also TimeoutError)
    |- StorageError
    |  `- QuotaExceededError
    |- SyncTimeoutError             not synced in the time given (also TimeoutError)
    |- RoomClosedError              the room was left
    `- InternalError                a fault of this package itself

Each class carries its data as attributes; ``str()`` builds the sentence. This module knows nothing
of the rest of the package.
"""

from __future__ import annotations

__all__ = [
    "BridgeError",
    "BridgeTimeoutError",
    "BrowserUnsupportedError",
    "ChangesMissingError",
    "ConfigError",
    "DecodeError",
    "DecryptionError",
    "IceFailedError",
    "InternalError",
    "LocalProtocolError",
    "MessageTooBigError",
    "NegotiationError",
    "PeerClosedError",
    "PeerError",
    "PeerLimitError",
    "ProtocolError",
    "QuotaExceededError",
    "RemoteProtocolError",
    "RoomClosedError",
    "RtcError",
    "SameClientError",
    "SignalingClosedError",
    "SignalingError",
    "SignalingUnavailableError",
    "StorageError",
    "SyncTimeoutError",
]

_EXCERPT_BYTES = 32


class RtcError(Exception):
    """Base of all errors of this package."""


class ConfigError(RtcError):
    """Something needed was not said, or was said wrongly.

    Args:
        problem: what is missing or wrong.
        remedy: what to do, as a sentence.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem}. {self.remedy}"


class ProtocolError(RtcError):
    """Abstract: somebody did not follow the protocol."""


class LocalProtocolError(ProtocolError):
    """The caller asked for something that is illegal in this state.

    Args:
        state: the state that the machine is in.
        event: what was asked.
    """

    def __init__(self, state: str, event: str) -> None:
        super().__init__(state, event)
        self.state = state
        self.event = event

    def __str__(self) -> str:
        return f"{self.event} is not possible while {self.state}"


class RemoteProtocolError(ProtocolError):
    """A peer or a relay broke the protocol.

    Args:
        hint: what it did.
        peer_id: who it was, if that is known.
    """

    def __init__(self, hint: str, peer_id: str | None = None) -> None:
        super().__init__(hint, peer_id)
        self.hint = hint
        self.peer_id = peer_id

    def __str__(self) -> str:
        return self.hint if self.peer_id is None else f"peer {self.peer_id[:8]}: {self.hint}"


class DecodeError(RemoteProtocolError):
    """Bytes or JSON that are not what they should be.

    Args:
        expected: what should have stood there.
        offset: where, in bytes from the start of the message (characters for JSON text).
        excerpt: what stood there; cut to 32 bytes.
        peer_id: who sent it, if that is known.
    """

    def __init__(
        self, expected: str, offset: int = 0, excerpt: bytes = b"", peer_id: str | None = None
    ) -> None:
        super().__init__(f"expected {expected}", peer_id)
        self.expected = expected
        self.offset = offset
        self.excerpt = excerpt[:_EXCERPT_BYTES]

    def __str__(self) -> str:
        return f"{super().__str__()} at offset {self.offset}, got {self.excerpt!r}"


class MessageTooBigError(RemoteProtocolError):
    """A message is over a limit.

    Args:
        size_bytes: its size, at least.
        limit_bytes: the limit.
        direction: ``"in"`` or ``"out"``.
        peer_id: the peer at the other end, if that is known.
    """

    def __init__(
        self, size_bytes: int, limit_bytes: int, direction: str, peer_id: str | None = None
    ) -> None:
        verb = "received" if direction == "in" else "not sent"
        super().__init__(
            f"message {verb}: {size_bytes} bytes, the limit is {limit_bytes} bytes", peer_id
        )
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes
        self.direction = direction


class PeerLimitError(RemoteProtocolError):
    """More of something than one peer may make us deal with.

    Args:
        what: of what, as a subject with its unit.
        amount: how much it would be.
        limit: how much it may be.
        peer_id: the peer, if it is known.
    """

    def __init__(self, what: str, amount: int, limit: int, peer_id: str | None = None) -> None:
        super().__init__(f"{what}: {amount}, the limit is {limit}", peer_id)
        self.what = what
        self.amount = amount
        self.limit = limit


class DecryptionError(RtcError):
    """A frame could not be decrypted: another password, another room, or not encrypted at all."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot decrypt: {self.reason}"


class SignalingError(RtcError):
    """Something is wrong with one signaling server.

    Args:
        url: its address.
        reason: what happened.
        attempt: how many attempts in a row have failed.
    """

    def __init__(self, url: str, reason: str, attempt: int = 0) -> None:
        super().__init__(url, reason, attempt)
        self.url = url
        self.reason = reason
        self.attempt = attempt

    def __str__(self) -> str:
        return f"signaling server {self.url}: {self.reason}"


class SignalingUnavailableError(SignalingError):
    """The server cannot be reached."""


class SignalingClosedError(SignalingError):
    """The server closed the socket."""


class ChangesMissingError(RtcError):
    """Something has not come that nobody here has, and that others may build upon.

    Args:
        count: how many units are missing before such as are here (a character of a text, an item, a
            value set). What waits for them is not counted.
    """

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count

    def __str__(self) -> str:
        return (
            f"{self.count} changes cannot be shown: they, or some that they build upon, were lost "
            "before their author left, and come when that document is back. Stock Yjs pages show "
            "nothing of what it wrote after them"
        )


class PeerError(RtcError):
    """Something is wrong with one peer.

    Args:
        peer_id: which one.
        reason: what happened.
    """

    def __init__(self, peer_id: str, reason: str) -> None:
        super().__init__(peer_id, reason)
        self.peer_id = peer_id
        self.reason = reason

    def __str__(self) -> str:
        return f"peer {self.peer_id[:8]}: {self.reason}"


class NegotiationError(PeerError):
    """The offer and answer exchange failed."""


class IceFailedError(PeerError):
    """There is no network path to the peer: after a restart and a second connection, too."""

    def __str__(self) -> str:
        return (
            f"{super().__str__()}. If you are in different networks, give join() or the site a "
            "STUN server (ice_servers); where a firewall is in the way, a TURN server."
        )


class SameClientError(PeerError):
    """The peer's document has the client id of ours, as a copy of it has.

    Args:
        peer_id: the peer.
        client_id: which both have.
    """

    def __init__(self, peer_id: str, client_id: int) -> None:
        super().__init__(peer_id, f"its document has the client id of ours ({client_id})")
        self.client_id = client_id

    def __str__(self) -> str:
        return (
            f"{super().__str__()}. What both of you write is taken for one, and the two documents "
            "may differ for ever. One of you joins with a document of its own: join(doc=Doc()), "
            "without a client_id"
        )


class PeerClosedError(PeerError):
    """The peer has gone."""


class BrowserUnsupportedError(RtcError):
    """The browser or the site lacks something that is needed.

    Args:
        capability: what is lacking.
        context: where: ``"window"`` or ``"worker"``.
        remedy: what to do, as a sentence.
    """

    def __init__(self, capability: str, context: str, remedy: str) -> None:
        super().__init__(capability, context, remedy)
        self.capability = capability
        self.context = context
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.capability} (in the {self.context}). {self.remedy}"


class BridgeError(RtcError):
    """The link between kernel and page failed, or the page refused an operation."""


class BridgeTimeoutError(BridgeError, TimeoutError):
    """The page did not answer in time."""


class StorageError(RtcError):
    """The browser's storage refused."""


class QuotaExceededError(StorageError):
    """The browser's storage is full."""


class SyncTimeoutError(RtcError, TimeoutError):
    """The room was not synced in the time given.

    Args:
        timeout_s: the time, in seconds.
        why: what the room knows of the reason, as a sentence.
    """

    def __init__(self, timeout_s: float, why: str) -> None:
        super().__init__(timeout_s, why)
        self.timeout_s = timeout_s
        self.why = why

    def __str__(self) -> str:
        return f"not synced within {self.timeout_s:g} s: {self.why}"


class RoomClosedError(RtcError):
    """The room was left.

    Args:
        room: its name.
        reason: why it is closed.
    """

    def __init__(self, room: str, reason: str) -> None:
        super().__init__(room, reason)
        self.room = room
        self.reason = reason

    def __str__(self) -> str:
        return f"room {self.room!r} is closed: {self.reason}"


class InternalError(RtcError):
    """A fault of this package itself; `__cause__` is what was raised.

    A room that is open goes on.

    Args:
        task: what it was about to do.
        reason: what was raised instead.
    """

    def __init__(self, task: str, reason: str) -> None:
        super().__init__(task, reason)
        self.task = task
        self.reason = reason

    @classmethod
    def of(cls, task: str, error: BaseException) -> InternalError:
        """Make one out of what was raised."""
        made = cls(task, f"{type(error).__name__}: {error}")
        made.__cause__ = error
        return made

    def __str__(self) -> str:
        return (
            f"pyodide-rtc could not do something ({self.task}): {self.reason}. "
            "Please report this; pyodide_rtc.enable_logging() shows where it happened"
        )
