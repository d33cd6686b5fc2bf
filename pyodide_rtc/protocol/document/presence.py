"""The presence in a document: who is here, and which links are told of it.

It holds the states (`awareness_machine`), limits what a link may bring (`awareness_limits`), and
decides which links are told. A client is the writer of one document. If several peers claim the
same client, the first one is shown with that client's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pyodide_rtc.errors import RemoteProtocolError
from pyodide_rtc.protocol.document.awareness_limits import AwarenessLimits
from pyodide_rtc.protocol.document.awareness_machine import AwarenessChange, AwarenessMachine
from pyodide_rtc.protocol.document.replica import Effects, Replica, receivers
from pyodide_rtc.protocol.effects import AwarenessChanged
from pyodide_rtc.protocol.events import JsonObject, LinkId
from pyodide_rtc.wire.awareness_update import AwarenessEntry, encode_awareness
from pyodide_rtc.wire.messages import AwarenessMessage


@dataclass(slots=True)
class Presence:
    """The presence of one document.

    Args:
        document: the document's name.
        client_id: our own client id in it.
        replicas: the other ends, by link.
        max_received_bytes: the largest message that is read.
    """

    document: str
    client_id: int
    replicas: dict[LinkId, Replica]
    max_received_bytes: int
    awareness: AwarenessMachine = field(init=False)
    _limits: AwarenessLimits = field(default_factory=AwarenessLimits)
    _heard: list[AwarenessEntry] = field(default_factory=list)
    _claimants: dict[int, list[str]] = field(default_factory=dict)  # peers by client, oldest first

    def __post_init__(self) -> None:
        self.awareness = AwarenessMachine(self.client_id, linked=self._claimants)

    # Whose client it is.

    def join(self, client_id: int, peer_id: str) -> None:
        """A peer is linked, and claims this client id."""
        self._claimants.setdefault(client_id, []).append(peer_id)

    def leave(self, client_id: int, peer_id: str) -> Effects:
        """A peer is no longer linked: remove its client, if no other peer claims it."""
        claimants = self._claimants[client_id]
        is_its = claimants[0] == peer_id
        claimants.remove(peer_id)
        if claimants:
            return []
        del self._claimants[client_id]
        return self._show(self.awareness.remove([client_id])) if is_its else []

    def is_twin(self, client_id: int | None) -> bool:
        """Return whether another document has our own client id: then edits get mixed up."""
        return client_id == self.client_id

    def name_of(self, peer_id: str, client_id: int | None) -> str | None:
        """Return the name that a peer's client shows, if the peer was the first to claim it."""
        if client_id is None or self.is_twin(client_id):
            return None
        owner, *_ = self._claimants.get(client_id, [peer_id])
        return self.awareness.name_of(client_id) if owner == peer_id else None

    # What comes in.

    def hear(self, link: LinkId, update: bytes) -> Sequence[RemoteProtocolError]:
        """Read an awareness message of a link; `settle` applies those of a whole run at once.

        Returns:
            what is wrong with it. It is only reported: a stock peer passes on whatever others send,
            and is not to blame for it.
        """
        heard = {entry.client_id for entry in self._heard}  # not applied yet
        entries, errors = self._limits.read(
            link,
            update,
            lambda client: client in heard or self.awareness.is_here(client),
            max_bytes=self.max_received_bytes,
        )
        self._heard += entries
        return errors

    def settle(self, link: LinkId, now_s: float) -> Effects:
        """Apply and pass on all awareness entries that came since the last call."""
        if not self._heard:
            return []
        heard, self._heard = self._heard, []
        return self.tell_change(self.awareness.apply(heard, now_s), link)

    def forget(self, link: LinkId) -> None:
        """Forget a link that is closed."""
        self._limits.forget(link)

    # What goes out.

    def set_local(self, state: JsonObject | None, now_s: float) -> Effects:
        """Show this state as our own; None removes ours."""
        return self.tell_change(self.awareness.set_local(state, now_s), None)

    def expire(self, now_s: float) -> tuple[Effects, bool]:
        """Renew our own state, and remove silent clients; return effects and if it was renewed."""
        renewed, outdated = self.awareness.expire(now_s)
        effects = self.tell_change(renewed, None) + self._show(outdated)
        return effects, bool(renewed.all)

    def send_all(self, replica: Replica) -> Effects:
        """Send all states to the other end of a link."""
        return self.tell_clients([*self.awareness.states], [replica])

    def send_own(self, replica: Replica) -> Effects:
        """Send our own state to the other end of a link, if we show one."""
        is_here = self.awareness.is_here(self.client_id)
        return self.tell_clients([self.client_id] if is_here else [], [replica])

    def answer_query(self, replica: Replica) -> Effects:
        """Answer a question for awareness, even without states: it may ask for a sign of life."""
        return self.send_all(replica) or replica.send(self._message(()))

    def on_room(self, replica: Replica) -> Effects:
        """A link has room again: send the states that were held back."""
        if not replica.stale_clients or replica.link.is_full:
            return []
        stale, replica.stale_clients = sorted(replica.stale_clients), set()
        return self.tell_clients(stale, [replica])

    def tell_clients(self, ids: Sequence[int], replicas: Iterable[Replica]) -> Effects:
        """Send the states of clients; a link that is full gets them when it has room."""
        if not ids:
            return []
        message = self._message(ids)
        effects: Effects = []
        for replica in replicas:
            if replica.link.is_full_for(len(message.update)):
                replica.stale_clients.update(ids)
            else:
                effects += replica.send(message)
        return effects

    def tell_change(self, change: AwarenessChange, source: LinkId | None) -> Effects:
        """Report a change of awareness to the user, and send it to all who do not have it."""
        effects = self._show(change)
        if change.all:
            # A change of our own client answers what the source claimed: it has to get it, too.
            exclude = None if self.client_id in change.all else source
            told, _ = receivers(self.replicas, exclude)
            effects += self.tell_clients(change.all, told)
        return effects

    def _message(self, ids: Iterable[int]) -> AwarenessMessage:
        return AwarenessMessage(encode_awareness(self.awareness.entries(ids)))

    def _show(self, change: AwarenessChange) -> Effects:
        """Report a change of awareness to the user, if it is visible."""
        if not change.is_visible:
            return []
        return [AwarenessChanged(self.document, change.added, change.updated, change.removed)]
