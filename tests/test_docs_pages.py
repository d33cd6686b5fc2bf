"""What docs/protocol.md, docs/wire.md and docs/nobody-is-here.md say is what the code does."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from pyodide_rtc import browser, errors
from pyodide_rtc.causes import Cause
from pyodide_rtc.protocol import (
    baton_machine,
    call_machine,
    fault_limits,
    intake,
    link,
    quiet_tabs,
    signaling_machine,
)
from pyodide_rtc.protocol.connections import (
    announces,
    mesh,
    negotiation_steps,
    signs_of_life,
    strangers,
    without_webrtc,
)
from pyodide_rtc.protocol.document import (
    awareness_limits,
    comparison,
    document_machine,
    stock_checks,
)
from pyodide_rtc.wire import awareness_update, call_messages, envelope, messages
from pyodide_rtc.wire.call_messages import (
    NOTHING,
    Answer,
    AnswerKind,
    Batons,
    Call,
    CancelCall,
    Exposed,
)
from pyodide_rtc.wire.chunks import CHUNK_TYPE, Chunk
from pyodide_rtc.wire.lib0_encoding import Tag
from pyodide_rtc.wire.messages import (
    AwarenessMessage,
    DocumentPeer,
    InDocument,
    LinkedPeers,
    Message,
    QueryAwareness,
    StateCheck,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
    TabPeer,
    encode,
)

DOCS = Path(__file__).parents[1] / "docs"
PROTOCOL = (DOCS / "protocol.md").read_text()
WIRE = (DOCS / "wire.md").read_text()


def rows(page: str, heading: str) -> list[list[str]]:
    """Read the table whose first heading this is."""
    found = re.search(rf"^\| {re.escape(heading)} \|.*\n\|[-|]+\n((?:\|.*\n)+)", page, re.MULTILINE)
    assert found, f"no table {heading!r}"
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found[1].splitlines()]


def layout(kind: object) -> str:
    """Read the layout in a docstring."""
    found = re.search(r"Layout: (.*?)(?:\n\n|$)", inspect.getdoc(kind) or "", re.DOTALL)
    assert found
    return " ".join(found[1].split())


OWN_KIND = (StateCheck, InDocument, DocumentPeer, LinkedPeers, Chunk)
CALLS = (Exposed, Call, Answer, CancelCall, Batons)


@pytest.mark.parametrize("kind", [*OWN_KIND, *CALLS])
def test_the_layouts_are_those_of_the_code(kind: type) -> None:
    layouts = {row[0].split("`")[1]: row[1] for row in rows(PROTOCOL, "type")}
    assert layouts[kind.__name__] == layout(kind)


def test_the_types_are_those_of_the_code() -> None:
    types = [int(row[0].split()[0]) for row in rows(PROTOCOL, "type")]
    messages: list[Message] = [
        StateCheck(b"", bytes(8)),
        InDocument("x", QueryAwareness()),
        DocumentPeer("x", True, 1),
        LinkedPeers(()),
        Exposed("x", ()),
        Call("x", "y", 1, "f", NOTHING),
        Answer("y", "x", 1, AnswerKind.RESULT, NOTHING),
        CancelCall("x", "y", 1),
        Batons("x", 1),
    ]
    assert types == [*(encode(message)[0] for message in messages), CHUNK_TYPE]


Y_WEBRTC = (SyncStep1, SyncStep2, SyncUpdate, AwarenessMessage, QueryAwareness, TabPeer)


def test_the_layouts_of_y_webrtc_are_those_of_the_code() -> None:
    layouts = {row[0].strip("`"): row[1] for row in rows(WIRE, "message")}
    ours_too = ", and behind it from a peer of our own kind"
    assert layouts == {kind.__name__: layout(kind).partition(ours_too)[0] for kind in Y_WEBRTC}
    assert f"Frame: {layout(envelope.encode_frame)}\n" in WIRE
    assert f"Awareness update: {layout(awareness_update).partition(', where')[0]}\n" in WIRE


def test_the_kinds_of_any_are_those_of_the_code() -> None:
    kinds = [int(n) for row in rows(WIRE, "kind of an `any`") for n in row[0].split(",")]
    assert sorted(kinds) == sorted(Tag)


def test_the_times_are_those_of_the_code() -> None:
    assert (comparison.QUIET_S, comparison.LATEST_S, comparison.TAB_INTERVAL_S) == (2, 5, 10)
    assert (stock_checks.INTERVAL_S, stock_checks.AGAIN_S) == (8, 5)
    assert stock_checks.MAX_AGAIN_BYTES == 256 * 1024
    assert (signs_of_life.PATIENCE_S, mesh.CROSSING_S) == (1.5, 0.5)
    assert (announces.MIN_ANNOUNCE_INTERVAL_S, announces.MAX_PAUSE_S) == (1, 30)
    assert (mesh.SAY_AGAIN_S, without_webrtc.MAX_SILENCE_S) == (30, 75)
    assert signaling_machine.reconnect_delay_s(100) == 2.5
    assert signaling_machine.refused_delay_s(100) == 10
    assert (quiet_tabs.LATE_S, quiet_tabs.GRACE_S) == (5, 1)
    assert (strangers.NEWS_INTERVAL_S, strangers.SHOW_INTERVAL_S) == (60, 30)
    assert (document_machine.EAGER_STATE_BYTES, link.CHUNK_BYTES) == (16 * 1024, 64 * 1024)
    assert link.MAX_WAITING_BYTES == 1024 * 1024


def test_the_signs_of_life_are_those_of_the_page() -> None:
    script = (Path(browser.__file__).parent / "host.js").read_text()
    beats = "{ negotiated: true, id: 101, ordered: false, maxRetransmits: 0 }"
    for line in ("ASK_MS = 2000", "BUSY_S = 5", "BEAT_S = 0.75", f"BEATS = {beats}"):
        assert f"const {line};\n" in script
    assert r"/^\d{1,6}$/" in script
    section = PROTOCOL.partition("### Signs of life\n")[2].partition("\n## ")[0]
    for words in ("stream 101, unordered, not repeated", "one every 0.75 s", "from 5 s on"):
        assert words in section
    assert "said nothing for 2 s" in section
    assert '`SignOfLife` = "" if the kernel answers, else 1 to 6 digits' in section


def test_the_limits_are_those_of_the_code() -> None:
    limits = {row[0]: row[1] for row in rows(PROTOCOL, "of")}
    for words, facts in {
        "frames of one peer": (intake.RATE_PER_S, intake.BURST),
        "frames of all peers": (intake.ALL_SHARE, intake.ALL_BURST_S),
        "what waits of one peer": (intake.MAX_WAITING_BYTES >> 20, intake.FRAME_OVERHEAD_BYTES),
        "one message": (link.MAX_RECEIVED_BYTES >> 20,),
        "the awareness state": (awareness_limits.MAX_STATE_BYTES >> 10,),
        "the states of the clients": (
            awareness_limits.MAX_LINK_BYTES >> 20,
            awareness_limits.CLIENT_BYTES >> 10,
            awareness_limits.MAX_BYTES >> 20,
        ),
        "the state vector of one": (messages.MAX_CHECKED_BYTES >> 20,),
        "calls of one peer": (call_machine.MAX_OPEN_CALLS,),
        "the arguments of one call": (call_messages.MAX_VALUE_BYTES >> 20,),
        "what one peer has exposed": (call_messages.MAX_EXPOSED, call_messages.MAX_LABEL_BYTES),
        "batons of one peer": (call_messages.MAX_BATONS, call_messages.MAX_LABEL_BYTES),
        "connections": (20, 34, mesh.MAX_CALLERS),
        "ICE candidates": (negotiation_steps.MAX_CANDIDATES,),
        "payloads": (intake.RATE_PER_S, intake.BURST, signaling_machine.MAX_FRAME_CHARS),
    }.items():
        [said] = [limit for of, limit in limits.items() if of.startswith(words)]
        numbers = [float(n.replace(",", "")) for n in re.findall(r"\d[\d,.]*", said)]
        assert numbers == list(facts), words
    assert fault_limits.INTERVAL_S == 60
    assert (intake.SLICE_S, intake.SLICE_RUNS * intake.RUN_FRAMES) == (0.008, 100)
    assert intake.MIN_BREAK_S == 0.01


def test_the_answers_to_calls_are_those_of_the_code() -> None:
    assert [row[0] for row in rows(PROTOCOL, "kind of answer")] == [
        f"{kind.value} {kind.name.lower().replace('_', ' ')}" for kind in AnswerKind
    ]
    section = PROTOCOL.partition("### Batons\n")[2].partition("\n### ")[0]
    assert f"for {baton_machine.QUIET_PATIENCE_S:g} s" in section


def test_each_error_of_calls_is_explained() -> None:
    page = (DOCS / "calls.md").read_text()
    explained = set(re.findall(r"^\| `(\w+Error)` \|", page, re.MULTILINE))
    ours = {name for name in errors.__all__ if re.search("Call|Baton|Expos", name)}
    assert ours - explained == {"CallError", "BatonError"}


def test_each_sentence_that_a_room_says_is_explained_in_the_order_of_the_code() -> None:
    said = [re.sub(r"\{\w+\}", "...", cause.value) for cause in Cause]
    page = (DOCS / "nobody-is-here.md").read_text()
    explained = [row[0] for row in rows(page, "the room says")]
    told_in_the_cell = re.sub(r"\{\w+\}", "...", Cause.FAILED.value)
    assert explained == [sentence for sentence in said if sentence != told_in_the_cell]
