"""Joins rooms: all the rooms of one kernel, each opened once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pycrdt import Doc

from pyodide_rtc import background, config, identity, naming
from pyodide_rtc.awareness import change_user, complete_user, set_user, show_person
from pyodide_rtc.contents import Contents
from pyodide_rtc.document import check_document_name
from pyodide_rtc.errors import ConfigError, InternalError, RoomClosedError, RtcError
from pyodide_rtc.kernel import Documents
from pyodide_rtc.panel.model import Invitation
from pyodide_rtc.ports import Host, PageFacts
from pyodide_rtc.protocol.events import MAIN, JsonObject
from pyodide_rtc.protocol.link import MAX_RECEIVED_BYTES
from pyodide_rtc.room import Opening, Room, RoomCore
from pyodide_rtc.session.client import Client
from pyodide_rtc.session.room_session import RoomSession
from pyodide_rtc.storage import NOTHING, StoredRoom, stored_rooms, unpack_room

logger = logging.getLogger("pyodide_rtc.room")

_LEAST_LIMIT_BYTES = 65_536
"""The least that `max_received_bytes` may be: with less hardly any document could be shared."""

OpenHost = Callable[[], Awaitable[Host]]
Block = Callable[[Awaitable[Any], float], Any]

_BLOCK_S = 15.0
"""How long `join` blocks until the page answers; after that it waits in the background."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """The arguments of one call of `join`."""

    name: str | None
    signaling: Iterable[str] | str | None
    password: str | None
    ice_servers: Sequence[Mapping[str, object]] | None
    max_received_bytes: int
    store: bool | None

    def others_than(self, before: _Wish, facts: PageFacts | None) -> list[str]:
        """Name the arguments that differ from those that the room was joined with.

        Args:
            before: the arguments that the room was joined with.
            facts: what the page says about itself, once that is known. With it an argument that
                was left out counts as the value that was used in its place.
        """
        limits = {before.max_received_bytes, MAX_RECEIVED_BYTES}
        is_other = {
            "password": self.password != before.password,
            "signaling": self.signaling is not None
            and self._servers(facts) != before._servers(facts),
            "ice_servers": self.ice_servers is not None and self._ice(facts) != before._ice(facts),
            "max_received_bytes": self.max_received_bytes not in limits,
            "store": self.store is not None and self._store(facts) != before._store(facts),
        }
        return [name for name in is_other if is_other[name]]

    def otherness(self, name: str) -> str:
        """Say how the room was joined otherwise, in this argument."""
        return "a password" if name == "password" and self.password is None else f"another {name}"

    def _servers(self, facts: PageFacts | None) -> object:
        if facts is not None:
            return frozenset(config.server_urls(self.signaling, facts))
        return frozenset(self.signaling) if isinstance(self.signaling, tuple) else self.signaling

    def _store(self, facts: PageFacts | None) -> bool | None:
        return self.store if facts is None else config.is_stored(self.store, facts)

    def _ice(self, facts: PageFacts | None) -> list[Mapping[str, object]]:
        servers = self.ice_servers if facts is None else config.ice_servers(self.ice_servers, facts)
        return [{**server, "urls": _as_list(server.get("urls"))} for server in servers or ()]


class Rooms:
    """The rooms of one kernel.

    Args:
        open_host: opens the host: the browser's, or one in memory.
        block: returns a function that waits for an awaitable within a plain call; None where that
            is not possible now.
    """

    def __init__(
        self, open_host: OpenHost, block: Callable[[], Block | None] = lambda: None
    ) -> None:
        self._open_host = open_host
        self._block = block
        self._home: tuple[Client, PageFacts] | None = None
        self._user: JsonObject = {}
        """Who sits at the page, once it was asked."""
        self._opening: asyncio.Task[tuple[Client, PageFacts]] | None = None
        self._rooms: dict[str, tuple[RoomCore, _Wish]] = {}
        self._contents: dict[tuple[str, str | None], Contents] = {}
        """The documents of all rooms, also of those that were left: by topic and password."""
        self._early: dict[tuple[str | None, str | None], Contents] = {}
        """Those of rooms whose topic is not known yet: by what `join` was given."""
        self._is_over = False
        self._closing: asyncio.Task[None] | None = None
        self._background: set[asyncio.Task[None]] = set()
        self._tasks: dict[str | None, tuple[asyncio.Task[None], RoomCore, _Wish]] = {}

    def join(
        self,
        room: str | None = None,
        *,
        signaling: Iterable[str] | str | None = None,
        password: str | None = None,
        doc: Doc[Any] | None = None,
        user: str | Mapping[str, object] | None = None,
        ice_servers: Sequence[Mapping[str, object]] | None = None,
        max_received_bytes: int = MAX_RECEIVED_BYTES,
        store: bool | None = None,
    ) -> Room:
        """Join a room; as `pyodide_rtc.join` tells."""
        if room is not None:
            naming.check_room_name(room)
        if password is not None and (not isinstance(password, str) or not password):
            raise ConfigError("The password is empty or no text", "Give a text, or none at all.")
        if ice_servers is not None:
            ice_servers = [dict(server) for server in config.check_ice_servers(ice_servers)]
        limit = _check_limit(max_received_bytes)
        config.check_store(store)
        _check_loop()
        if isinstance(signaling, str):
            signaling = (signaling,)
        elif isinstance(signaling, Iterable) and not isinstance(signaling, Mapping):
            signaling = tuple(signaling)  # it is read more than once, and compared
        wish = _Wish(room, signaling, password, ice_servers, limit, store)
        block = self._block()
        if self._home is None and block is not None:
            self._wait_for_home(block)
        if self._home is not None:
            return self._join_now(*self._home, wish, doc, user)
        return self._join_later(wish, doc, user)

    def _wait_for_home(self, block: Block) -> None:
        try:
            block(self._open_home(), _BLOCK_S)
        except Exception as error:
            if type(error) is TimeoutError:
                return  # `_join_later` waits for it in the background
            typed = _as_rtc_error(error)
            raise typed from typed.__cause__

    def _join_now(
        self,
        client: Client,
        facts: PageFacts,
        wish: _Wish,
        doc: Doc[Any] | None,
        user: str | Mapping[str, object] | None,
    ) -> Room:
        name = naming.room_name(wish.name, facts)
        topic = naming.topic_of(facts, name)
        if (known := self._rooms.get(topic)) is not None:
            return _given_again(*known, wish, doc, user, facts, self._user)
        new = RoomCore(name, self._contents_at(topic, wish), user, doc)
        try:
            opening = self._open(new, client, facts, wish)
        except Exception as error:
            typed = _as_rtc_error(error)
            new.end(typed)
            raise typed from typed.__cause__
        self._wait(opening)
        if new.error is not None:
            raise new.error
        return new.room

    def _wait(self, opening: Awaitable[None]) -> None:
        """Wait for something where the kernel can; where it cannot, it goes on by itself."""
        block = self._block()
        if block is not None:
            try:
                block(opening, _BLOCK_S)
            except TimeoutError:
                logger.warning("= still being opened after %s s", _BLOCK_S)

    def _join_later(
        self, wish: _Wish, doc: Doc[Any] | None, user: str | Mapping[str, object] | None
    ) -> Room:
        if wish.name in self._tasks:
            _, under_way, before = self._tasks[wish.name]
            if under_way.stage == "opening":
                return _given_again(under_way, before, wish, doc, user, None, {})
        contents = self._early.setdefault((wish.name, wish.password), Contents())
        new = RoomCore(wish.name, contents, user, doc)
        new.own()

        async def open_when_ready() -> None:
            try:
                client, facts = await self._open_home()
                if new.stage == "opening":
                    await self._open(new, client, facts, wish)
                else:
                    await self._keep_left(new, client, facts, wish)
            except Exception as error:  # whatever it is: else the room would be "opening" for ever
                typed = _as_rtc_error(error)
                if new.stage == "opening":
                    new.end(typed)
                else:
                    new.add_fault(typed)
            finally:
                if self._tasks[wish.name][1] is new:  # else it was left, and joined again
                    del self._tasks[wish.name]

        self._tasks[wish.name] = background.begin(open_when_ready()), new, wish
        return new.room

    def _open(
        self, room: RoomCore, client: Client, facts: PageFacts, wish: _Wish
    ) -> asyncio.Future[None]:
        """Begin to open a room.

        Returns:
            what ends once the room is open, or has failed.
        """
        name = naming.room_name(wish.name, facts)
        servers = config.server_urls(wish.signaling, facts)
        ice_servers = config.ice_servers(wish.ice_servers, facts)
        is_stored = config.is_stored(wish.store, facts)
        if wish.password is not None:
            client.host.machine.crypto.require()  # without it the room would stay empty for ever
        topic = naming.topic_of(facts, name)
        if topic in self._rooms:
            raise ConfigError(
                f"The room {name!r} is joined already", "Use the room that join() gave first."
            )
        session = client.open_room(
            topic,
            room.main.doc.client_id,
            password=wish.password,
            servers=servers,
            ice_servers=ice_servers,
            max_received_bytes=wish.max_received_bytes,
            holder=f"a notebook of {facts.href}",
            is_kept=is_stored,
            on_notice=room.on_notice,
            on_fault=room.add_fault,
        )

        def close() -> None:
            del self._rooms[topic]
            is_open = room.backend is not None
            client.close_room(session)
            self._forget(name)
            if not is_open:  # its other documents were never bound
                self._keep(room, client, topic, wish, is_stored)

        async def forget() -> None:
            await session.forget()
            for forgotten in [key for key in self._contents if key[0] == topic]:
                del self._contents[forgotten]

        host = client.host

        def reopen() -> None:
            again = self._open(room, client, facts, replace(wish, name=name))
            again.add_done_callback(lambda _: None)  # what fails ends the room, and is told by it

        self._rooms[topic] = room, wish
        self._contents_at(topic, wish, room.contents)
        room.begin(
            Opening(
                name,
                host.page.route,
                session,
                close,
                forget,
                lambda *user: self._in_background(_keep_user(host, room, *user)),
                reopen,
                Invitation(
                    name,
                    naming.link_to(facts, name),
                    naming.is_room_of_page(facts, name),
                    wish.password is not None,
                ),
                config.draws_widgets(facts),
                self._wait,
                host.machine.soon,
                host.network.open_tab_channel,
            )
        )
        if (fault := identity.color_fault(facts)) is not None:
            room.add_fault(fault)
        return background.begin(
            self._open_when_loaded(room, session, identity.person_id(facts, topic))
        )

    async def _open_when_loaded(self, room: RoomCore, session: RoomSession, person: str) -> None:
        try:
            await session.open(room.main.doc)
            if room.stage == "opening":  # else it was left meanwhile
                complete_user(room.main.awareness, self._user)
                show_person(room.main.awareness, person)
                room.open()
        except Exception as error:
            typed = _as_rtc_error(error)
            if room.error is None:
                room.finish(typed)

    async def _keep_left(
        self, room: RoomCore, client: Client, facts: PageFacts, wish: _Wish
    ) -> None:
        """Keep what was edited in a room that was left before the page had answered."""
        name = naming.room_name(wish.name, facts)
        topic = naming.topic_of(facts, name)
        if topic not in self._rooms:  # else it was joined again meanwhile
            self._contents_at(topic, wish, room.contents)
        self._forget(name)
        self._keep(room, client, topic, wish, config.is_stored(wish.store, facts))

    def _keep(
        self, room: RoomCore, client: Client, topic: str, wish: _Wish, is_stored: bool
    ) -> None:
        """Store the documents of a room that was never open; what goes wrong is its fault."""
        updates = room.contents.updates()
        changed = {name: update for name, update in updates.items() if update != NOTHING}

        async def write() -> None:
            try:
                await client.write(topic, wish.password, changed)
            except Exception as error:
                room.add_fault(_as_rtc_error(error))

        if is_stored and changed:
            self._in_background(write())

    def _contents_at(self, topic: str, wish: _Wish, its_own: Contents | None = None) -> Contents:
        """Return the documents of a room whose topic is known, always the same ones.

        Args:
            topic: the room's topic.
            wish: what `join` was given.
            its_own: those that the room has already: it was joined before the page had answered.
        """
        early = self._early.pop((wish.name, wish.password), None)
        known = self._contents.get((topic, wish.password))
        candidates = [each for each in (its_own, known, early) if each is not None]
        used = [each for each in candidates if each.is_used]
        found = next(iter(used + candidates), None) or Contents()
        for other in candidates:
            if other is not found:
                found.take_in(other.updates())
        self._contents[topic, wish.password] = found
        return found

    def measure(self, room: Room) -> None:
        """Have it measured how long the network takes to each peer of a room."""
        for core, _wish in self._rooms.values():
            if core.room is room:
                core.measure()

    def hand_over(self, reason: str) -> Documents:
        """Leave all rooms: another import of the package has this kernel from now on.

        Args:
            reason: why, for people who still hold a room.

        Returns:
            the documents of all rooms.
        """
        self._is_over = True  # the page goes on remembering the room: it is joined again
        joined = [room for room, _ in self._rooms.values()]
        for room in joined + [room for _, room, _ in self._tasks.values()]:
            if room.error is None:
                room.finish(RoomClosedError(room.name or "", reason))
        self._closing = background.begin(self._close_home())
        return {key: contents.docs for key, contents in self._contents.items()}

    def take_in(self, documents: Documents) -> None:
        """Have these documents when their rooms are joined: an earlier import had them."""
        for (topic, password), docs in documents.items():
            contents = self._contents[topic, password] = Contents(docs)
            self._early[naming.name_in(topic), password] = contents

    async def _close_home(self) -> None:
        if self._home is None and self._opening is None:
            return
        client, _ = await self._open_home()
        if under_way := {task for task, _, _ in self._tasks.values()} | self._background:
            await asyncio.wait(under_way)
        await client.aclose()

    def _forget(self, name: str) -> None:
        """Have the page forget a room that we left, if it is the one that the page remembers."""
        if self._home is not None and not self._is_over:
            client, facts = self._home
            if name and name == naming.remembered_name(facts):
                client.host.page.forget_room()
                self._home = client, replace(facts, remembered_room=None)

    async def _open_home(self) -> tuple[Client, PageFacts]:
        if self._home is None:
            if self._opening is None:
                self._opening = background.begin(self._ask_host())
            opening = self._opening
            try:
                self._home = await asyncio.shield(opening)
            finally:
                if opening.done():  # else only we were cancelled, and others wait for it still
                    self._opening = None
        return self._home

    async def _ask_host(self) -> tuple[Client, PageFacts]:
        host = await self._open_host()
        facts = await host.page.facts()
        self._user = identity.page_user(facts)
        host.page.on_user(lambda: self._in_background(self._follow_user(host)))
        return Client(host), facts

    async def _follow_user(self, host: Host) -> None:
        """Show in all rooms who sits at the page now, unless the notebook says who it is."""
        try:
            after = identity.page_user(await host.page.facts())
        except RtcError:
            logger.warning("! the page did not say who sits there now", exc_info=True)
            return
        before, self._user = self._user, after
        for room, _wish in tuple(self._rooms.values()):
            change_user(room.main.awareness, before, after)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = background.begin(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def stored_rooms(self) -> list[StoredRoom]:
        """List what this browser keeps; as `pyodide_rtc.stored_rooms` tells."""
        client, _ = await self._open_home()
        store = await client.host.machine.open_store()
        rooms, _ = stored_rooms(await store.logs())
        return rooms

    async def import_room(
        self, data: bytes, *, room: str | None = None, password: str | None = None
    ) -> str:
        """Take in a room that was exported; as `pyodide_rtc.import_room` tells."""
        if not isinstance(data, bytes | bytearray | memoryview):
            raise ConfigError(
                f"{type(data).__name__} is no file of a room", "Give the bytes of the file."
            )
        export = unpack_room(bytes(data))
        for document in export.documents:
            if document != MAIN:
                check_document_name(document)  # else nobody could open it
        client, facts = await self._open_home()
        name = naming.room_name(export.room if room is None else room, facts)
        topic = naming.topic_of(facts, name)
        documents = dict(export.documents)
        is_stored = config.is_stored(None, facts)
        if topic in self._rooms:
            known, wish = self._rooms[topic]
            if wish.password != password:
                raise ConfigError(
                    f"The room {name!r} is joined with another password", "Give the same one."
                )
            documents = known.take_in(documents)
            is_stored = config.is_stored(wish.store, facts)
        elif not is_stored:  # then it lives in this kernel alone
            self._contents.setdefault((topic, password), Contents()).take_in(documents)
        if is_stored:
            await client.write(topic, password, documents)
        return name


def _as_list(urls: object) -> object:
    """Give one address as a list of it: to browsers both are the same."""
    return [urls] if isinstance(urls, str) else urls


def _check_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise ConfigError(
            "join() was called where no event loop runs",
            "Call it in a notebook, or in a coroutine that asyncio.run() runs.",
        ) from None


def _as_rtc_error(error: Exception) -> RtcError:
    """Return the error itself if it is one of ours, else an `InternalError` in its place."""
    if isinstance(error, RtcError):
        return error
    logger.error("! the room could not be opened", exc_info=error)
    return InternalError.of("opening the room", error)


def _check_limit(max_received_bytes: int) -> int:
    if type(max_received_bytes) is not int or max_received_bytes < _LEAST_LIMIT_BYTES:
        raise ConfigError(
            f"max_received_bytes is {max_received_bytes!r}",
            f"Give a number of bytes, {_LEAST_LIMIT_BYTES} or more.",
        )
    return max_received_bytes


def _given_again(
    room: RoomCore,
    before: _Wish,
    wish: _Wish,
    doc: Doc[Any] | None,
    user: str | Mapping[str, object] | None,
    facts: PageFacts | None,
    page_user: JsonObject,
) -> Room:
    """Return a room that is joined already: its cell was run again."""
    others = wish.others_than(before, facts)
    if doc is not None and doc is not room.main.doc:
        others.append("doc")
    if others:
        raise ConfigError(
            f"The room {room.name or wish.name!r} is joined already, with "
            f"{' and '.join(wish.otherness(name) for name in others)}",
            "Give the same, or call leave() on it first.",
        )
    if user is not None:
        set_user(room.main.awareness, user, page_user)
    return room.room


async def _keep_user(host: Host, room: RoomCore, name: str | None, color: str | None) -> None:
    """Keep a name, a colour or both in this browser; what fails is the room's fault."""
    try:
        kept = await host.page.facts()
        await host.page.keep_user(name or kept.kept_name, color or kept.kept_color)
    except RtcError as error:
        room.add_fault(error)
