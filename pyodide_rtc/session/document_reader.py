"""Reads a pycrdt Doc, even if Yrs cannot read all of it.

Yrs 0.28 accepts some updates that make it panic whenever the changes of their author are encoded.
For others it writes an encoding that it cannot read again. One such update must not keep peers from
getting everything else. So the changes of its author are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from pycrdt import Doc, get_update

from pyodide_rtc.errors import DecodeError, InternalError
from pyodide_rtc.wire.state import decode_state_vector, encode_state_vector
from pyodide_rtc.wire.update_extent import extent_of
from pyodide_rtc.yrs import attempt, is_panic, is_readable

_CLIENTS_AT_ONCE = 64
"""So many clients are read together to look for gaps, and four times as many after each read that
was small. The last unit of each can be a large value: 500 values of 100 kB take 18 MB of memory so,
and 96 MB if all are read at once (measured)."""

_SMALL_BYTES = 65_536
"""Below this size what was read of some clients was small."""

_END = 2**32 - 1
"""Beyond every clock of Yrs: for a client at this clock in a state vector, Yrs encodes nothing."""


class DocumentReader:
    """Reads what a document has.

    Args:
        doc: the document.
        on_fault: called once for each author whose changes cannot be read.
    """

    def __init__(self, doc: Doc[Any], on_fault: Callable[[BaseException], None]) -> None:
        self._doc = doc
        self._on_fault = on_fault
        self._unreadable: dict[int, int] = {}  # client to `_END`
        self._unmeasured: dict[int, int] = {}  # client to `_END`: its gaps cannot be read

    @property
    def state_vector(self) -> bytes:
        """How far the document goes without a gap, by client, encoded."""
        return self._doc.get_state()

    @property
    def state(self) -> tuple[bytes, bytes]:
        """The state vector and all deletions: nearly any change makes one of them differ."""
        state_vector = self.state_vector
        return state_vector, self.update_since(state_vector)

    def told(self, clocks: dict[int, int]) -> dict[int, int]:
        """Leave out clients whose changes we cannot send: a peer would ask for them for ever."""
        return {i: clock for i, clock in clocks.items() if i not in self._unreadable}

    def update_since(self, state_vector: bytes = b"\0") -> bytes:
        """Return what a document with this state vector lacks.

        Raises:
            ValueError: the state vector is not one.
        """
        passing_over = self._passing_over(state_vector)
        try:
            update = self._doc.get_update(passing_over)
        except BaseException as error:
            if not is_panic(error):
                raise
        else:
            # A test read: every peer that receives it reads it, and refuses what it cannot read.
            if update[:1] == b"\0" or is_readable(update):
                return update
        found = self._find(self._read_whole)
        self._unreadable |= dict.fromkeys(found, _END)
        self._tell(found, "are not passed on")
        return self._doc.get_update(self._passing_over(state_vector))

    def beyond(self) -> bytes:
        """Return an update with all that no state vector shows: deletions, units behind gaps."""
        try:
            return self._read_beyond(self._clients, self._unmeasured)
        except (DecodeError, ValueError):  # Yrs raises ValueError on what it has written itself
            found = self._find(self._read_beyond)
            self._unmeasured |= dict.fromkeys(found, _END)
            self._tell(found, "are not compared")
        return self._read_beyond(self._clients, self._unmeasured)

    @property
    def _clients(self) -> Collection[int]:
        return decode_state_vector(self.state_vector).keys()

    def _read_beyond(self, clients: Collection[int], passed_over: Mapping[int, int]) -> bytes:
        """Read some clients from their last unit before a gap on, wherever there may be a gap.

        The last unit has to be asked for, too: Yrs encodes nothing of a client for a state vector
        that goes as far as its own.
        """
        clocks = decode_state_vector(self.state_vector)
        gaps: set[int] = set()
        waiting, count = list(clients), _CLIENTS_AT_ONCE
        while waiting:
            some, waiting = waiting[:count], waiting[count:]
            tails = self._read_from({i: clocks[i] - 1 for i in some}, passed_over)
            gaps |= extent_of(self._behind(tails)).spans.keys()
            if len(tails) < _SMALL_BYTES:
                count *= 4
        # The last unit may be half a character, and Yrs then miscounts what follows it.
        return self._behind(self._read_from(dict.fromkeys(gaps, 0), passed_over))

    def _read_from(self, since: Mapping[int, int], passed_over: Mapping[int, int]) -> bytes:
        """Read some clients from a clock on, and all deletions."""
        clocks = {**decode_state_vector(self.state_vector), **since, **passed_over}
        return self.update_since(encode_state_vector(clocks))

    def _behind(self, update: bytes) -> bytes:
        """Leave out what comes before gaps."""
        behind = get_update(update, self.state_vector)
        extent = extent_of(behind)
        # Without a gap, half a character of no length may be left, and would make a reader panic.
        return behind if extent.spans else b"\0" + extent.deletions

    def _read_whole(self, _: Collection[int], passed_over: Mapping[int, int]) -> None:
        state_vector = encode_state_vector(dict(passed_over))
        update = attempt(lambda: self._doc.get_update(state_vector))
        if update is None or not is_readable(update):
            raise ValueError("Yrs cannot read what it has written")

    def _passing_over(self, state_vector: bytes) -> bytes:
        if not self._unreadable:
            return state_vector
        try:
            clocks = decode_state_vector(state_vector)
        except DecodeError as error:
            raise ValueError(str(error)) from error
        return encode_state_vector(clocks | self._unreadable)

    def _find(
        self,
        read: Callable[[Collection[int], Mapping[int, int]], object],
        among: list[int] | None = None,
    ) -> list[int]:
        """Find the clients whose changes cannot be read, by halving the candidates.

        Args:
            read: reads some clients, and leaves out the others.
            among: the candidates; all clients by default.
        """
        known = decode_state_vector(self.state_vector).keys()
        among = sorted(known) if among is None else among
        try:
            read(among, dict.fromkeys(known - set(among), _END))
        except (DecodeError, ValueError):
            if len(among) < 2:
                return among
            return self._find(read, among[::2]) + self._find(read, among[1::2])
        return []

    def _tell(self, clients: Collection[int], what: str) -> None:
        who = ", ".join(map(str, clients))
        reason = f"Yrs cannot read the changes of client {who}: they {what}"
        self._on_fault(InternalError("reading the document", reason))
