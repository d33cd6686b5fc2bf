"""Every error that pyodide-rtc raises or reports as an event.

The tree::

    RtcError
    |- ConfigError                  something that is needed was not said, or was said wrongly
    |- ProtocolError                (abstract)
    |  |- LocalProtocolError        the caller asked for something illegal in this state
    |  `- RemoteProtocolError       a peer or a signaling server broke the protocol
    |     |- DecodeError            somebody sent bytes or JSON that cannot be read
    |     |- MessageTooBigError     one message is larger than its limit
    |     `- PeerLimitError         a peer sent more than a peer may send
    |- DecryptionError              somebody in the room uses another password, or none
    |- SignalingError               something is wrong with one signaling server
    |  |- SignalingUnavailableError the server cannot be reached
    |  `- SignalingClosedError      the server closed the socket
    |- ChangesMissingError          changes are missing, and nobody in the room has them
    |- PeerError                    something is wrong with one peer
    |  |- NegotiationError          the exchange of offer and answer failed
    |  |- IceFailedError            there is no network path to the peer
    |  |- SameClientError           the peer's document has the same client id as ours
    |  `- PeerClosedError           the peer has gone
    |- BrowserUnsupportedError      the browser or the site lacks something that is needed
    |- BridgeError                  kernel and page cannot talk to each other
    |  `- BridgeTimeoutError        the page did not answer in time (also TimeoutError)
    |- StorageError                 the browser refused to store something
    |  `- QuotaExceededError        the browser's storage is full
    |- SyncTimeoutError             the room was not synced in time (also TimeoutError)
    |- ChangeTimeoutError           nobody changed something in time (also TimeoutError)
    |- SharedValueError             something cannot be done with a shared value
    |  |- ValueRefusedError          a value cannot be shared (also TypeError and ValueError)
    |  |- ValueRemovedError          the value is not in the document any more
    |  |- NameInUseError             a name is used as another kind of value
    |  `- TransactionError           the document cannot be used so at this moment
    |- CallError                    a function of another notebook gave no result
    |  |- NotExposedError           nobody who could be meant has exposed the function
    |  |- CallRefusedError          the other notebook did not take the call
    |  |- CallLostError             the one who was called is gone
    |  |- CallTimeoutError          no answer came in time (also TimeoutError)
    |  `- RemoteCallError           the function raised something there
    |- BatonError                   a baton cannot be had so
    |  |- BatonTimeoutError         it was not our turn in time (also TimeoutError)
    |  `- BatonLostError            the baton was not ours any more at the end
    |- RoomClosedError              the room was left
    `- InternalError                pyodide-rtc itself has a fault

Each class carries its data as attributes; ``str()`` builds the sentence. This module knows nothing
of the rest of the package.
"""

from __future__ import annotations

from pyodide_rtc import tracebacks

__all__ = [
    "BatonError",
    "BatonLostError",
    "BatonTimeoutError",
    "BridgeError",
    "BridgeTimeoutError",
    "BrowserUnsupportedError",
    "CallError",
    "CallLostError",
    "CallRefusedError",
    "CallTimeoutError",
    "ChangeTimeoutError",
    "ChangesMissingError",
    "ConfigError",
    "DecodeError",
    "DecryptionError",
    "IceFailedError",
    "InternalError",
    "LocalProtocolError",
    "MessageTooBigError",
    "NameInUseError",
    "NegotiationError",
    "NotExposedError",
    "PeerClosedError",
    "PeerError",
    "PeerLimitError",
    "ProtocolError",
    "QuotaExceededError",
    "RemoteCallError",
    "RemoteProtocolError",
    "RoomClosedError",
    "RtcError",
    "SameClientError",
    "SharedValueError",
    "SignalingClosedError",
    "SignalingError",
    "SignalingUnavailableError",
    "StorageError",
    "SyncTimeoutError",
    "TransactionError",
    "ValueRefusedError",
    "ValueRemovedError",
]

_EXCERPT_BYTES = 32


class RtcError(Exception):
    """Base of all errors of this package."""

    def _render_traceback_(self) -> list[str]:
        """Return the traceback that IPython shows: what to do first, and the user's own code."""
        return tracebacks.short(self)


class ConfigError(RtcError):
    """The page, the site or the caller did not say what is needed, or said it wrongly.

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
    """A peer or a signaling server broke the protocol.

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
    """Somebody sent bytes or JSON that cannot be read.

    Args:
        expected: what should have stood there.
        offset: where it should have stood, in bytes (for JSON, characters) from the start.
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
    """A message is larger than its limit.

    Args:
        size_bytes: its size, at least.
        limit_bytes: the limit.
        direction: ``"in"`` if a peer sent it to us, ``"out"`` if we were to send it.
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
    """A peer sent more of something than one peer may send.

    Args:
        what: what there is too much of, with its unit.
        amount: how much the peer sent.
        limit: how much a peer may send.
        peer_id: the peer, if it is known.
    """

    def __init__(self, what: str, amount: int, limit: int, peer_id: str | None = None) -> None:
        super().__init__(f"{what}: {amount}, the limit is {limit}", peer_id)
        self.what = what
        self.amount = amount
        self.limit = limit


class DecryptionError(RtcError):
    """A frame cannot be decrypted: its sender uses another password, or none."""

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
    """Changes are missing that nobody in the room has, and that later changes build upon.

    Args:
        count: how many changes are missing; a character of a text, an item or a value is one.
            Changes that are here and wait for the missing ones do not count.
    """

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count = count

    def __str__(self) -> str:
        return (
            f"{self.count} changes are missing: their author left before anybody who is here had "
            "them. They come when a document that has them is here again. Until then, a stock Yjs "
            "page shows nothing that this author wrote after them"
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
    """The exchange of offer and answer failed."""


class IceFailedError(PeerError):
    """There is no network path to the peer. An ICE restart and a new peer connection found none."""

    def __str__(self) -> str:
        return (
            f"{super().__str__()}. If you are in different networks, give join() a STUN server "
            "(ice_servers=), or set one for the site. If a firewall is in the way, use a TURN "
            "server."
        )


class SameClientError(PeerError):
    """The peer's document has the same client id as ours: one may be a copy of the other.

    Args:
        peer_id: the peer.
        client_id: the client id of both documents.
    """

    def __init__(self, peer_id: str, client_id: int) -> None:
        super().__init__(peer_id, f"its document has the same client id as ours ({client_id})")
        self.client_id = client_id

    def __str__(self) -> str:
        return (
            f"{super().__str__()}. Yjs takes you both for one author, so the two documents may "
            "stay different for ever. One of you has to join with a document of its own: "
            "join(doc=Doc()), without a client_id"
        )


class PeerClosedError(PeerError):
    """The peer has gone."""


class BrowserUnsupportedError(RtcError):
    """The browser or the site lacks something that is needed.

    Args:
        capability: what it lacks.
        context: where it is needed: ``"window"`` or ``"worker"``.
        remedy: what to do, as a sentence.
    """

    def __init__(self, capability: str, context: str, remedy: str) -> None:
        super().__init__(capability, context, remedy)
        self.capability = capability
        self.context = context
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.capability[:1].upper()}{self.capability[1:]}. {self.remedy}"


class BridgeError(RtcError):
    """Kernel and page cannot talk to each other, or the page refused what the kernel asked."""


class BridgeTimeoutError(BridgeError, TimeoutError):
    """The page did not answer in time."""


class StorageError(RtcError):
    """The browser refused to store something."""


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


class ChangeTimeoutError(RtcError, TimeoutError):
    """Nobody changed something in the time given.

    Args:
        timeout_s: the time, in seconds.
        what: what was waited for.
    """

    def __init__(self, timeout_s: float, what: str) -> None:
        super().__init__(timeout_s, what)
        self.timeout_s = timeout_s
        self.what = what

    def __str__(self) -> str:
        return f"{self.what} was not changed within {self.timeout_s:g} s"


class CallError(RtcError):
    """A function of another notebook gave no result.

    Args:
        function: its name.
        reason: why, as a sentence.
        who: the name by which the other one is shown, if one was meant: text from outside.
    """

    def __init__(self, function: str, reason: str, who: str = "") -> None:
        super().__init__(function, reason, who)
        self.function = function
        self.reason = reason
        self.who = who

    def __str__(self) -> str:
        of = f" of {self.who}" if self.who else ""
        return f"{self.function}(){of} gave no result: {self.reason}"


class NotExposedError(CallError):
    """Nobody who could be meant has exposed the function."""


class CallRefusedError(CallError):
    """The other notebook did not take the call. A function raises it to refuse its caller.

    Example:
        >>> raise pyodide_rtc.CallRefusedError("only Ada may run this")

    Args:
        reason: why.
        function: the name of the function; the caller's error has it.
        who: the name by which the other one is shown; the caller's error has it.
    """

    def __init__(self, reason: str, function: str = "", who: str = "") -> None:
        super().__init__(function, reason, who)
        self.args = (reason, function, who)

    def __str__(self) -> str:
        return f"{self.who} refused {self.function}(): {self.reason}" if self.who else self.reason


class CallLostError(CallError):
    """The one who was called is gone, or is not reached any more."""


class CallTimeoutError(CallError, TimeoutError):
    """No answer came in the time given.

    Args:
        function: the name of the function.
        reason: what is known of it, as a sentence.
        who: the name by which the other one is shown.
        timeout_s: the time, in seconds.
    """

    def __init__(self, function: str, reason: str, who: str, timeout_s: float) -> None:
        super().__init__(function, reason, who)
        self.args = (function, reason, who, timeout_s)
        self.timeout_s = timeout_s

    def __str__(self) -> str:
        of = f" of {self.who}" if self.who else ""
        return f"{self.function}(){of} gave no result in {self.timeout_s:g} s: {self.reason}"


class RemoteCallError(CallError):
    """The function raised something in the other notebook: its type and text came as text.

    Args:
        function: the name of the function.
        type_name: the name of the type that it raised, such as ``ValueError``.
        text: what that says.
        who: the name by which the other one is shown.
    """

    def __init__(self, function: str, type_name: str, text: str, who: str) -> None:
        super().__init__(function, f"{type_name}: {text}", who)
        self.args = (function, type_name, text, who)
        self.type_name = type_name
        self.text = text

    def __str__(self) -> str:
        return f"{self.function}() of {self.who} raised {self.type_name}: {self.text}"


class BatonError(RtcError):
    """A baton cannot be had so.

    Args:
        baton: its name.
        reason: why, as a sentence.
    """

    def __init__(self, baton: str, reason: str) -> None:
        super().__init__(baton, reason)
        self.baton = baton
        self.reason = reason

    def __str__(self) -> str:
        return f"baton {self.baton!r}: {self.reason}"


class BatonTimeoutError(BatonError, TimeoutError):
    """It was not our turn in the time given.

    Args:
        baton: its name.
        reason: who has it, or is waited for, as a sentence.
        timeout_s: the time, in seconds.
    """

    def __init__(self, baton: str, reason: str, timeout_s: float) -> None:
        super().__init__(baton, reason)
        self.args = (baton, reason, timeout_s)
        self.timeout_s = timeout_s

    def __str__(self) -> str:
        return f"baton {self.baton!r}: not had within {self.timeout_s:g} s: {self.reason}"


class BatonLostError(BatonError):
    """The baton was not ours any more at the end of the block: the reason says whose it was."""


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


class SharedValueError(RtcError):
    """Something cannot be done with a shared value.

    Args:
        problem: what is wrong.
        remedy: what to write instead, as a sentence.
    """

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem, remedy)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem}. {self.remedy}"


class ValueRefusedError(SharedValueError, TypeError, ValueError):
    """A value, a key or a position is of a type or a size that cannot be shared.

    Args:
        where: the place in the document that it was meant for, such as ``state['x'][2]``.
        what: what is wrong with it; names its type.
        remedy: what to write instead, as a sentence.
    """

    def __init__(self, where: str, what: str, remedy: str) -> None:
        super().__init__(f"{where}: {what}", remedy)
        self.args = (where, what, remedy)
        self.where = where
        self.what = what


class ValueRemovedError(SharedValueError):
    """The value is not in the document any more: somebody removed or replaced it.

    Args:
        kind: the kind of the value, such as ``SharedMap``.
    """

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"This {kind} is not in the document any more: it was removed or replaced",
            "Read it anew from where it was.",
        )
        self.args = (kind,)
        self.kind = kind


class NameInUseError(SharedValueError):
    """One name is used as two kinds of shared values, and each kind sees its own content.

    Args:
        name: the name.
        used_as: what it is already, as a word: ``map``, ``list`` or ``text``; of a shared widget
            its type, such as ``widget IntSlider``.
        wanted: what it was to be, too.
    """

    def __init__(self, name: str, used_as: str, wanted: str) -> None:
        super().__init__(
            f"The name {name!r} is used as a {used_as}, and as a {wanted} as well",
            "Use another name for one of the two.",
        )
        self.args = (name, used_as, wanted)
        self.name = name
        self.used_as = used_as
        self.wanted = wanted


class TransactionError(SharedValueError):
    """The document cannot be used so at this moment: of what is going on, the problem tells."""


class InternalError(RtcError):
    """pyodide-rtc itself has a fault. A room that is open goes on; `__cause__` is what was raised.

    Args:
        task: what pyodide-rtc was doing.
        reason: what was raised.
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
            f"pyodide-rtc has a fault (in {self.task}): {self.reason}. "
            "Please report it; pyodide_rtc.enable_logging() shows where it happened"
        )

    def _render_traceback_(self) -> list[str]:
        """Return the traceback that IPython shows: all of it, as it is to be reported."""
        return tracebacks.full(self)
