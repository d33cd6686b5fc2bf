"""What is kept in this browser: by IndexedDB in Python's own thread, else by the page.

record_store.js does the work; here values are converted and errors get a type.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pyodide.ffi import JsException, to_js

from pyodide_rtc.browser.ffi import browser_script, js_function, storage_error
from pyodide_rtc.browser.page_store import MemoryValues, PageStore
from pyodide_rtc.errors import StorageError
from pyodide_rtc.ports import Keeping, KeyValueStore, Locks, LogContents, LogSize, Store

__all__ = ["BrowserStores", "DatabaseStore"]

_DATABASE = "pyodide-rtc"

_REFUSALS = ("SecurityError", "InvalidStateError", "NotSupportedError", "TypeError")
"""What browsers say that have no database for us: sandboxed frames, private windows of Firefox
before 115, and a `TypeError` where `indexedDB` is missing. All else may go well another time."""

_PROBE_KEY = "pyodide-rtc probe"


class DatabaseStore:
    """Logs in IndexedDB; its tab or worker has one connection, opened when it is needed."""

    keeping = Keeping("browser")

    def __init__(self) -> None:
        self._database: Any = js_function(browser_script("record_store.js"))(_DATABASE)

    async def open(self) -> str:
        """Open the database; return why the browser has none for us, or an empty text.

        Raises:
            StorageError: it could not be opened now.
        """
        try:
            await self._database.open()
        except JsException as exc:
            if exc.name in _REFUSALS:
                return f"the browser has no database for this page ({exc.name}: {exc.message})"
            raise storage_error(exc.name, exc.message) from exc
        return ""

    async def read(self, log: str) -> LogContents:
        """Read all records of a log, with three values that cross the border."""
        with _typed_errors():
            life, index, whole = await self._database.read(log)
        data = whole.to_bytes()
        records = []
        start = 0
        for number, length in _pairs(index):
            records.append((number, data[start : start + length]))
            start += length
        return LogContents(life, records)

    async def append(self, log: str, record: bytes, life: str) -> LogSize | None:
        """Append a record."""
        with _typed_errors():
            return _size_of(await self._database.append(log, to_js(record), life))

    async def replace(
        self, log: str, life: str, numbers: Sequence[int], record: bytes
    ) -> LogSize | None:
        """Put one record in the place of several."""
        with _typed_errors():
            about = await self._database.replace(log, life, to_js([*numbers]), to_js(record))
            return _size_of(about)

    async def move(self, log: str, life: str, numbers: Sequence[int], to: str) -> bool:
        """Move records to the end of another log."""
        with _typed_errors():
            return bool(await self._database.move(log, life, to_js([*numbers]), to))

    async def remove(self, log: str) -> None:
        """Remove a log."""
        with _typed_errors():
            await self._database.remove(log)

    async def logs(self) -> Mapping[str, LogSize]:
        """List all logs, without reading their records."""
        with _typed_errors():
            listed = (await self._database.logs()).to_py()
        return {name: LogSize(*about) for name, *about in listed}

    def close(self) -> None:
        """Close the connection. What is under way is done."""
        self._database.close()


class BrowserStores:
    """Finds where this browser keeps logs: in the database, or what there is in its place.

    Args:
        page: the page's storage.
        locks: the browser's locks.
    """

    def __init__(self, page: KeyValueStore, locks: Locks) -> None:
        self._page = page
        self._locks = locks
        self._database = DatabaseStore()
        self._found: Store | None = None

    async def open(self) -> Store:
        """Return the store: once it is found, always the same.

        Raises:
            StorageError: the database could not be opened now.
        """
        if self._found is None:
            refusal = await self._database.open()
            self._found = await self._instead(refusal) if refusal else self._database
        return self._found

    def close(self) -> None:
        """Close the connection to the database. What is under way is done."""
        self._database.close()

    async def _instead(self, refusal: str) -> Store:
        try:
            await self._page.set(_PROBE_KEY, "")
            await self._page.remove(_PROBE_KEY)
        except StorageError as error:
            reason = f"{refusal}, nor does the page keep anything ({error})"
            return PageStore(MemoryValues(), self._locks, Keeping("memory", reason))
        return PageStore(self._page, self._locks, Keeping("page", refusal))


@contextmanager
def _typed_errors() -> Iterator[None]:
    try:
        yield
    except JsException as exc:
        raise storage_error(exc.name, exc.message) from exc


def _size_of(about: Any) -> LogSize | None:
    return None if about is None else LogSize(*about.to_py())


def _pairs(index: Any) -> Iterator[tuple[int, int]]:
    """Read number and length of each record: 32 bits each, as JavaScript has laid them out."""
    yield from struct.iter_unpack("<II", index.to_bytes())
