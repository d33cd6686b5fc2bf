from __future__ import annotations

import inspect
import re

import pytest

import pyodide_rtc
from pyodide_rtc import errors
from pyodide_rtc.errors import (
    BatonError,
    BatonLostError,
    BatonTimeoutError,
    BridgeError,
    BridgeTimeoutError,
    BrowserUnsupportedError,
    CallError,
    CallLostError,
    CallRefusedError,
    CallTimeoutError,
    ChangesMissingError,
    ChangeTimeoutError,
    ConfigError,
    DecodeError,
    DecryptionError,
    IceFailedError,
    InternalError,
    LocalProtocolError,
    MessageTooBigError,
    NameInUseError,
    NegotiationError,
    NotExposedError,
    PeerClosedError,
    PeerError,
    PeerLimitError,
    ProtocolError,
    QuotaExceededError,
    RemoteCallError,
    RemoteProtocolError,
    RoomClosedError,
    RtcError,
    SameClientError,
    SharedValueError,
    SignalingClosedError,
    SignalingError,
    SignalingUnavailableError,
    StorageError,
    SyncTimeoutError,
    TransactionError,
    ValueRefusedError,
    ValueRemovedError,
)

URL = "wss://relay.example.org/"
PEER = "da397a24-3a5b-44d5-a5ef-148d44137313"

SENTENCES: list[tuple[RtcError, str]] = [
    (RtcError("what happened"), "what happened"),
    (ConfigError("No room is named", "Name one."), "No room is named. Name one."),
    (ProtocolError("what happened"), "what happened"),
    (LocalProtocolError("closed", "sending"), "sending is not possible while closed"),
    (RemoteProtocolError("it lied", PEER), "peer da397a24: it lied"),
    (DecodeError("a varUint", 3, b"\xff"), r"expected a varUint at offset 3, got b'\xff'"),
    (
        PeerLimitError("clients spoken for", 1_001, 1_000, PEER),
        "peer da397a24: clients spoken for: 1001, the limit is 1000",
    ),
    (
        MessageTooBigError(300, 200, "out", PEER),
        "peer da397a24: message not sent: 300 bytes, the limit is 200 bytes",
    ),
    (
        InternalError("AskCheck", "IndexError: 3"),
        "pyodide-rtc has a fault (in AskCheck): IndexError: 3. Please "
        "report it; pyodide_rtc.enable_logging() shows where it happened",
    ),
    (
        SameClientError(PEER, 7),
        "peer da397a24: its document has the same client id as ours (7). Yjs takes you both for "
        "one author, so the two documents may stay different for ever. One of you has to join with "
        "a document of its own: join(doc=Doc()), without a client_id",
    ),
    (DecryptionError("another key"), "cannot decrypt: another key"),
    (SignalingError(URL, "HTML came"), f"signaling server {URL}: HTML came"),
    (SignalingUnavailableError(URL, "refused", 3), f"signaling server {URL}: refused"),
    (SignalingClosedError(URL, "restart", 1), f"signaling server {URL}: restart"),
    (
        ChangesMissingError(3),
        "3 changes are missing: their author left before anybody who is here had them. They come "
        "when a document that has them is here again. Until then, a stock Yjs page shows nothing "
        "that this author wrote after them",
    ),
    (PeerError(PEER, "it failed"), "peer da397a24: it failed"),
    (NegotiationError(PEER, "it took too long"), "peer da397a24: it took too long"),
    (
        IceFailedError(PEER, "no network path"),
        "peer da397a24: no network path. If you are in different networks, give join() a STUN "
        "server (ice_servers=), or set one for the site. If a firewall is in the way, use a TURN "
        "server.",
    ),
    (PeerClosedError(PEER, "it has gone"), "peer da397a24: it has gone"),
    (
        BrowserUnsupportedError("There is no WebRTC", "worker", "Use another browser."),
        "There is no WebRTC. Use another browser.",
    ),
    (BridgeError("the page refused"), "the page refused"),
    (BridgeTimeoutError("the page did not answer"), "the page did not answer"),
    (StorageError("the browser refused"), "the browser refused"),
    (QuotaExceededError("the storage is full"), "the storage is full"),
    (ChangeTimeoutError(2.5, "widget 'n'"), "widget 'n' was not changed within 2.5 s"),
    (SyncTimeoutError(2.5, "Nobody is here."), "not synced within 2.5 s: Nobody is here."),
    (SharedValueError("It is odd", "Do not."), "It is odd. Do not."),
    (
        ValueRefusedError("state['x']", "a set cannot be shared", "Write sorted(value)."),
        "state['x']: a set cannot be shared. Write sorted(value).",
    ),
    (
        ValueRemovedError("SharedMap"),
        "This SharedMap is not in the document any more: it was removed or replaced. "
        "Read it anew from where it was.",
    ),
    (
        NameInUseError("x", "map", "text"),
        "The name 'x' is used as a map, and as a text as well. "
        "Use another name for one of the two.",
    ),
    (TransactionError("It is open", "End it first."), "It is open. End it first."),
    (CallError("grade", "it is late", "Bob"), "grade() of Bob gave no result: it is late"),
    (NotExposedError("grade", "nobody has it"), "grade() gave no result: nobody has it"),
    (CallRefusedError("only Eve"), "only Eve"),
    (CallRefusedError("only Eve", "grade", "Bob"), "Bob refused grade(): only Eve"),
    (CallLostError("grade", "Bob has gone", "Bob"), "grade() of Bob gave no result: Bob has gone"),
    (
        CallTimeoutError("grade", "it computes", "Bob", 2.5),
        "grade() of Bob gave no result in 2.5 s: it computes",
    ),
    (
        CallTimeoutError("grade", "the room is not open yet", "", 2.5),
        "grade() gave no result in 2.5 s: the room is not open yet",
    ),
    (
        RemoteCallError("grade", "ValueError", "no number", "Bob"),
        "grade() of Bob raised ValueError: no number",
    ),
    (BatonError("run", "this code has it already"), "baton 'run': this code has it already"),
    (
        BatonTimeoutError("run", "Bob has it", 2.5),
        "baton 'run': not had within 2.5 s: Bob has it",
    ),
    (BatonLostError("run", "Bob had it as well"), "baton 'run': Bob had it as well"),
    (RoomClosedError("demo", "it was left"), "room 'demo' is closed: it was left"),
]


@pytest.mark.parametrize(("error", "sentence"), SENTENCES, ids=lambda v: type(v).__name__)
def test_each_has_a_sentence(error: RtcError, sentence: str) -> None:
    assert str(error) == sentence


def test_every_error_is_in_the_list_above_and_in_all() -> None:
    classes = {
        name
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, Exception)
    }

    assert sorted(classes) == list(errors.__all__)
    assert {type(e).__name__ for e, _ in SENTENCES} == classes


def test_all_can_be_had_from_the_package() -> None:
    assert set(errors.__all__) <= set(pyodide_rtc.__all__)
    assert all(getattr(pyodide_rtc, name) is getattr(errors, name) for name in errors.__all__)


def test_the_package_offers_nothing_else() -> None:
    assert sorted(pyodide_rtc.__all__) == sorted(
        [
            "Awareness",
            "AwarenessEvent",
            "Baton",
            "Change",
            "Document",
            "DocumentStatus",
            "ExposedFunction",
            "Faults",
            "Me",
            "Observation",
            "Peer",
            "Person",
            "Room",
            "RoomEvent",
            "RoomStatus",
            "Server",
            "SharedList",
            "SharedMap",
            "SharedNamespace",
            "SharedText",
            "Stored",
            "StoredDocument",
            "StoredRoom",
            "UndoManager",
            "ValuesChanged",
            "__version__",
            "enable_logging",
            "import_room",
            "join",
            "plain",
            "stored_rooms",
            *errors.__all__,
        ]
    )
    assert all(hasattr(pyodide_rtc, name) for name in pyodide_rtc.__all__)


def test_the_drawing_of_the_tree_is_the_tree() -> None:
    assert errors.__doc__ is not None
    lines = errors.__doc__.splitlines()
    matches = [re.match(r"( {4}[ |`-]*)(\w+Error)\b", line) for line in lines]
    drawn = [(len(match[1]), match[2]) for match in matches if match]

    assert sorted(name for _, name in drawn) == sorted(errors.__all__)
    for i, (indent, name) in enumerate(drawn[1:], 1):
        parent = next(n for depth, n in reversed(drawn[:i]) if depth < indent)
        assert getattr(errors, name).__bases__[0] is getattr(errors, parent), name


TIMEOUTS = [
    BatonTimeoutError,
    BridgeTimeoutError,
    CallTimeoutError,
    ChangeTimeoutError,
    SyncTimeoutError,
]


@pytest.mark.parametrize("kind", TIMEOUTS)
def test_time_outs_are_those_of_python_too(kind: type[Exception]) -> None:
    assert issubclass(kind, TimeoutError)


def test_refusals_are_those_of_python_too() -> None:
    assert issubclass(ValueRefusedError, TypeError)
    assert issubclass(ValueRefusedError, ValueError)


def test_an_excerpt_is_cut() -> None:
    assert len(DecodeError("x", excerpt=b"y" * 1000).excerpt) == 32


@pytest.mark.parametrize(
    "error", [e for e, _ in SENTENCES], ids=[type(e).__name__ for e, _ in SENTENCES]
)
def test_each_says_as_much_without_its_peer(error: RtcError) -> None:
    assert str(error).strip()
    assert "None" not in str(error)
