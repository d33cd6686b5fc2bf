"""The documents of a room beside its main document: which are open here, and which at the others.

Peers of our own kind tell each other which documents they have open (`DocumentPeer`). Two that have
the same one open sync it. Nothing of a document goes to anybody who has not opened it, and stock
peers never hear of any.

In the channel of our own kind's tabs a document behaves as the main document does in the channel of
all tabs: who opens it says so, and greets; who has it open answers that it has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pyodide_rtc.errors import PeerLimitError
from pyodide_rtc.protocol.document.document_machine import DocumentMachine
from pyodide_rtc.protocol.document.replica import Effects
from pyodide_rtc.protocol.effects import DocumentAtPeer, Report
from pyodide_rtc.protocol.events import TABS, LinkId
from pyodide_rtc.protocol.link import Link, PeerLink, TabsLink
from pyodide_rtc.wire.messages import DocumentPeer, InDocument, encode

MAX_DOCUMENTS = 1_000
"""So many documents a peer may have open; we ignore any further ones."""


@dataclass(slots=True)
class OpenDocument:
    """A document that is open here.

    Args:
        machine: decides about it.
        tabs: the way to the tabs that have it open, too.
        peers: who else has it open, by peer id: the client id of the document there.
    """

    machine: DocumentMachine
    tabs: TabsLink
    peers: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class _Elsewhere:
    """What a peer has open.

    Args:
        link: the link to the peer.
        peer_id: the peer.
        names: the names: the client id of each document there.
        is_linked: whether the peer can be reached now; what it has open is kept if it cannot, as
            the peer need not have noticed.
    """

    link: LinkId
    peer_id: str
    names: dict[str, int] = field(default_factory=dict)
    is_linked: bool = True


@dataclass(slots=True)
class OpenDocuments:
    """All documents of a room but the main one.

    Args:
        peer_id: our own network identity.
        max_received_bytes: the largest message that a peer may send.
    """

    peer_id: str
    max_received_bytes: int
    here: dict[str, OpenDocument] = field(default_factory=dict)
    """The documents that are open here, by name."""
    _elsewhere: dict[tuple[LinkId, str], _Elsewhere] = field(default_factory=dict)

    def __iter__(self) -> Iterator[DocumentMachine]:
        return iter([document.machine for document in self.here.values()])

    @property
    def elsewhere(self) -> dict[str, list[str]]:
        """Who else has which document open: peer ids, by name."""
        found: dict[str, list[str]] = {}
        for known in self._elsewhere.values():
            for name in known.names if known.is_linked else ():
                found.setdefault(name, []).append(known.peer_id)
        return found

    # Here.

    def open(self, name: str, client_id: int, links: Iterable[PeerLink]) -> Effects:
        """Open a document: tell our own kind, and greet all who have it open.

        Args:
            name: the document's name.
            client_id: our own client id in it.
            links: the links to peers of our own kind.
        """
        machine = DocumentMachine(name, client_id, self.max_received_bytes)
        document = OpenDocument(machine, TabsLink(self.max_received_bytes, is_own_kind=True))
        machine.know_link(document.tabs)  # frames may come before anybody is known to be there
        self.here[name] = document
        links = list(links)
        effects = self._say(name, links)
        for link in links:
            effects += self._greet(name, link, is_back=False)
        # Tabs that have it open answer what we said; then they count as there.
        return effects + machine.open_link(document.tabs)

    def close(self, name: str, links: Iterable[PeerLink], now_s: float) -> Effects:
        """Close a document: send all that others may lack, and tell our own kind."""
        machine = self.here[name].machine
        effects = machine.flush() + machine.leave(now_s)
        effects += self._say(name, links, present=False)
        del self.here[name]
        return effects

    # Links and peers.

    def open_link(self, link: Link, *, is_back: bool) -> Effects:
        """Tell the other end of a link what is open here, and greet it in what both have open."""
        if isinstance(link, TabsLink):
            effects = self.say_to_tabs()
            for document in self.here.values():
                effects += document.machine.open_link(document.tabs)
            return effects
        if not link.is_own_kind:
            return []
        effects = [e for name in self.here for e in self._say(name, [link], is_to_tabs=False)]
        known = self._elsewhere.get((link.id, link.peer_id))
        if known is not None and not known.is_linked:
            known.is_linked = True
            effects += [DocumentAtPeer(name, link.peer_id, is_open=True) for name in known.names]
        for name in self.here:
            effects += self._greet(name, link, is_back=is_back)
        return effects

    def say_to_tabs(self) -> Effects:
        """Say what is open here to the tabs of our own kind."""
        return [effect for name in self.here for effect in self._say(name, [])]

    def close_link(self, link: LinkId) -> Effects:
        """A link is closed: forget its peer, and what that has."""
        effects: Effects = []
        for known in [k for k in self._elsewhere.values() if k.link == link]:
            effects += self._part(known)
            del self._elsewhere[link, known.peer_id]
        for machine in self:
            if link in machine.replicas:
                machine.close_link(link)
        return effects

    def leave_peer(self, peer_id: str) -> Effects:
        """A peer can no longer be reached."""
        effects: Effects = []
        for known in [k for k in self._elsewhere.values() if k.peer_id == peer_id]:
            effects += self._part(known)
            if known.link == TABS:
                del self._elsewhere[TABS, peer_id]
        return effects

    # Messages.

    def hear(self, link: Link, envelope: InDocument, now_s: float) -> Effects:
        """Handle a message of a document; one of a document that is not open here is counted.

        Raises:
            RemoteProtocolError: it makes no sense.
        """
        name, message = envelope.document, envelope.message
        if isinstance(message, DocumentPeer):
            return self._hear_peer(link, name, message)
        document = self.here.get(name)
        if document is None or link.id not in document.machine.replicas:
            link.unknown_messages += 1
            return []
        return document.machine.hear(link.id, message, now_s)

    def hear_late(self, link: LinkId, envelope: InDocument) -> Effects:
        """Handle a message of a closed link: its updates are still applied."""
        document = self.here.get(envelope.document)
        return [] if document is None else document.machine.hear_late(link, envelope.message)

    def _hear_peer(self, link: Link, name: str, message: DocumentPeer) -> Effects:
        peer_id = link.peer_id if isinstance(link, PeerLink) else message.peer_id
        if peer_id == self.peer_id:
            return []
        known = self._elsewhere.setdefault((link.id, peer_id), _Elsewhere(link.id, peer_id))
        if message.present:
            return self._hear_opened(link, name, known, message.client_id)
        if known.names.pop(name, None) is None:
            return []
        effects = self._leave(name, peer_id) if known.is_linked else []
        if name in self.here and isinstance(link, PeerLink):
            self._close_replica(name, link)
        return effects

    def _hear_opened(self, link: Link, name: str, known: _Elsewhere, client_id: int) -> Effects:
        peer_id, count = known.peer_id, len(known.names)
        is_news = name not in known.names
        if is_news and count >= MAX_DOCUMENTS:
            return [Report(PeerLimitError("open documents", count + 1, MAX_DOCUMENTS, peer_id))]
        known.names[name] = client_id
        if not known.is_linked:
            return []  # it is greeted when it is back
        told: Effects = [DocumentAtPeer(name, peer_id, is_open=True)] if is_news else []
        if name not in self.here or peer_id in self.here[name].peers:
            return told
        return told + self._join(name, link, peer_id, client_id, is_back=False)

    # Who has what open.

    def _greet(self, name: str, link: PeerLink, *, is_back: bool) -> Effects:
        """Greet a peer in a document that both have open, if it can be reached now."""
        known = self._elsewhere.get((link.id, link.peer_id))
        if known is None or name not in known.names or not link.is_open:
            return []
        return self._join(name, link, link.peer_id, known.names[name], is_back=is_back)

    def _join(
        self, name: str, link: Link, peer_id: str, client_id: int, *, is_back: bool
    ) -> Effects:
        """A peer has a document open that is open here, too."""
        document = self.here[name]
        machine, is_by_tabs = document.machine, isinstance(link, TabsLink)
        effects: Effects = []
        if peer_id not in document.peers:
            document.peers[peer_id] = client_id
            effects += machine.join_peer(peer_id, client_id, by_tabs=is_by_tabs)
        if isinstance(link, PeerLink):
            is_back = is_back and link.id in machine.replicas
            return effects + machine.open_link(link, is_back=is_back)
        document.tabs.peers[peer_id] = client_id
        return self._say(name, []) + effects  # a newcomer has greeted all, and learns of us by this

    def _part(self, known: _Elsewhere) -> Effects:
        """A peer is gone, with all that it has open."""
        if not known.is_linked:
            return []
        known.is_linked = False
        return [effect for name in known.names for effect in self._leave(name, known.peer_id)]

    def _leave(self, name: str, peer_id: str) -> Effects:
        """A peer no longer has a document open."""
        told: Effects = [DocumentAtPeer(name, peer_id, is_open=False)]
        document = self.here.get(name)
        if document is None or peer_id not in document.peers:
            return told
        document.tabs.peers.pop(peer_id, None)
        return told + document.machine.leave_peer(peer_id, document.peers.pop(peer_id))

    def _close_replica(self, name: str, link: PeerLink) -> None:
        machine = self.here[name].machine
        if link.id in machine.replicas:
            machine.close_link(link.id)

    def _say(
        self, name: str, links: Iterable[PeerLink], *, present: bool = True, is_to_tabs: bool = True
    ) -> Effects:
        """Say that we have a document open, or no longer."""
        said = DocumentPeer(self.peer_id, present, self.here[name].machine.client_id)
        frame = encode(said, name)
        ways: list[Link] = [*links]
        if is_to_tabs:
            ways.append(self.here[name].tabs)
        return [effect for way in ways for effect in way.send(frame)]
