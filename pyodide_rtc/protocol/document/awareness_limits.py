"""Limits the awareness states that each link may bring: their number and their size.

A stock peer passes on the states of others. So a link may bring the states of many clients, but not
of more than there can be. Owns the counts; `awareness_machine` owns the states themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pyodide_rtc.errors import PeerLimitError, RemoteProtocolError
from pyodide_rtc.protocol.events import LinkId
from pyodide_rtc.wire.awareness_update import AwarenessEntry, TooBigState, decode_awareness

MAX_STATE_BYTES = 65_536
"""The largest state of one client, as JSON. A name, a colour and a cursor have some hundred bytes;
editors that show what is selected, or a small picture of the user, some ten thousand."""

MAX_MESSAGE_CLIENTS = 10_000
"""The most clients that one awareness message may have."""

CLIENT_BYTES = 2_048
"""What a client counts beside its state, so that the number of clients has a limit, too."""

MAX_LINK_BYTES = 4 * 1024 * 1024
"""What all clients of one link may count, those that it passes on included: this is 1,000 clients
with 2 kB each. Parsed JSON takes up to twenty times as much memory."""

MAX_BYTES = 4 * MAX_LINK_BYTES
"""What the clients of all links together may count. So one link cannot use up the room of all."""


@dataclass(slots=True)
class _Ledger:
    """Clients and what each counts; when it is full, clients that have gone are struck out.

    Args:
        max_bytes: what all may count together.
    """

    max_bytes: int
    _sizes: dict[int, int] = field(default_factory=dict)
    _bytes: int = 0

    def why_not(self, entry: AwarenessEntry) -> PeerLimitError | None:
        """Return the limit that an entry would break; None if there is room for it."""
        before, after = self._sizes.get(entry.client_id, 0), _size_of(entry)
        total = self._bytes - before + after
        if total <= self.max_bytes or after <= before:
            return None
        what = "bytes of awareness states, one was not taken"
        return PeerLimitError(what, total, self.max_bytes)

    def put(self, entry: AwarenessEntry) -> None:
        """Count an entry."""
        self._bytes += _size_of(entry) - self._sizes.get(entry.client_id, 0)
        self._sizes[entry.client_id] = _size_of(entry)

    def strike_out(self, is_here: Callable[[int], bool]) -> None:
        """Strike out the clients that have gone."""
        self._sizes = {i: size for i, size in self._sizes.items() if is_here(i)}
        self._bytes = sum(self._sizes.values())


def _size_of(entry: AwarenessEntry) -> int:
    return CLIENT_BYTES + entry.size_bytes


@dataclass(slots=True)
class AwarenessLimits:
    """What each link says of clients, and all links together."""

    _all: _Ledger = field(default_factory=lambda: _Ledger(MAX_BYTES))
    _by_link: dict[LinkId, _Ledger] = field(default_factory=dict)

    def read(
        self, link: LinkId, update: bytes, is_here: Callable[[int], bool], *, max_bytes: int
    ) -> tuple[list[AwarenessEntry], Sequence[RemoteProtocolError]]:
        """Read the body of an awareness message.

        Args:
            link: where it came from.
            update: the body.
            is_here: whether a client shows a state.
            max_bytes: limit of its size.

        Returns:
            the entries within the limits, and why others were left out.
        """
        try:
            heard = decode_awareness(
                update,
                max_bytes=max_bytes,
                max_clients=MAX_MESSAGE_CLIENTS,
                max_state_bytes=MAX_STATE_BYTES,
            )
        except RemoteProtocolError as error:
            return [], [error]
        return self.admit(link, heard, is_here)

    def admit(
        self,
        link: LinkId,
        heard: list[AwarenessEntry | TooBigState],
        is_here: Callable[[int], bool],
    ) -> tuple[list[AwarenessEntry], list[PeerLimitError]]:
        """Select the entries of a message that are within the limits.

        Args:
            link: where they came from.
            heard: the entries.
            is_here: whether a client shows a state.

        Returns:
            these entries, and why others were left out.
        """
        own = self._by_link.setdefault(link, _Ledger(MAX_LINK_BYTES))
        taken: list[AwarenessEntry] = []
        errors: dict[str, PeerLimitError] = {}
        is_struck_out = False  # once for each message, however many of its entries find no room
        for entry in heard:
            if isinstance(entry, TooBigState):
                what = "bytes of an awareness state, it was not taken"
                errors[what] = PeerLimitError(what, entry.size_bytes, MAX_STATE_BYTES)
                continue
            reason = self._why_not(own, entry)
            if reason is not None and not is_struck_out:
                is_struck_out = True
                fresh = {e.client_id for e in taken}  # not shown yet
                for ledger in (own, self._all):
                    ledger.strike_out(lambda i: i in fresh or is_here(i))  # noqa: B023 - at once
                reason = self._why_not(own, entry)
            if reason is not None:
                errors[reason.what] = reason
                continue
            taken.append(entry)
            if entry.state is not None:
                own.put(entry)
                self._all.put(entry)
        return taken, list(errors.values())

    def _why_not(self, own: _Ledger, entry: AwarenessEntry) -> PeerLimitError | None:
        if entry.state is None:  # takes no room
            return None
        return own.why_not(entry) or self._all.why_not(entry)

    def forget(self, link: LinkId) -> None:
        """Forget a link; its clients' states stay until the clients themselves go."""
        self._by_link.pop(link, None)
