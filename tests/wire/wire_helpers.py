"""What the codec tests share: golden vectors, and strategies for honest and for damaged input."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st
from seeds import some

from pyodide_rtc.errors import DecodeError, MessageTooBigError

if TYPE_CHECKING:
    from collections.abc import Callable

VECTORS = Path(__file__).parents[1] / "vectors"
SESSIONS = ("session-nopassword", "session-password")
LIMIT = 1 << 20

# No deadline: the machine may be busy with other things.
quick = settings(max_examples=some(60), deadline=None)

safe_integers = st.integers(0, 2**53 - 1)
texts = st.text(max_size=20)
anything_in_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec=None), max_size=20),  # lone surrogates too
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=10,
)


def load_vectors(name: str) -> Any:
    return json.loads((VECTORS / f"{name}.json").read_text("utf-8"))


@st.composite
def damaged_bytes(draw: st.DrawFn, valid: st.SearchStrategy[bytes]) -> bytes:
    """A valid message of which some bytes are cut out, and some others put in their place."""
    data = draw(valid)
    start = draw(st.integers(0, len(data)))
    end = draw(st.integers(start, len(data)))
    return data[:start] + draw(st.binary(max_size=4)) + data[end:]


@st.composite
def damaged_text(draw: st.DrawFn, valid: st.SearchStrategy[str]) -> str:
    """The same for text."""
    data = draw(valid)
    start = draw(st.integers(0, len(data)))
    end = draw(st.integers(start, len(data)))
    return data[:start] + draw(st.text(max_size=4)) + data[end:]


def raises_only_wire_errors(decode: Callable[[], object]) -> None:
    """Let any error through but the two that a decoder may raise."""
    with suppress(DecodeError, MessageTooBigError):
        decode()
