"""The shared values of one document."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, TypeVar

from pycrdt import Array, Doc, Map, Text

from pyodide_rtc.errors import NameInUseError, ValueRefusedError
from pyodide_rtc.shared.context import Context
from pyodide_rtc.shared.plain_values import check_key
from pyodide_rtc.shared.shared_list import SharedList
from pyodide_rtc.shared.shared_map import SharedMap
from pyodide_rtc.shared.shared_text import SharedText
from pyodide_rtc.shared.shared_value import Place, RootPlace, SharedValue
from pyodide_rtc.shared.undo import UndoManager

_KINDS: dict[type[Any], type[Any]] = {Map: SharedMap, Array: SharedList, Text: SharedText}
_WORDS: dict[type[Any], str] = {Map: "map", Array: "list", Text: "text"}

V = TypeVar("V", bound=SharedValue)


def _wrap(context: Context, raw: Any, place: Place) -> Any:
    return _KINDS[type(raw)](context, raw, place)


class Values:
    """The shared values of one document.

    Args:
        doc: the document; it may be used in every other way as well.
        soon: calls back once the code that runs now has come to its end.
        on_error: takes what users' callbacks raise, and what is wrong and nobody asked for.
        author_of: names the peer whose update a transaction of this origin was; "" if it was none.
    """

    def __init__(
        self,
        doc: Doc[Any],
        soon: Callable[[Callable[[], None]], object],
        on_error: Callable[[BaseException], None],
        author_of: Callable[[object], str],
    ) -> None:
        self._doc = doc
        self._context = Context(doc, soon, on_error, author_of, _wrap, self._find_root)
        self._roots: dict[str, SharedValue] = {}
        self._told: set[str] = set()

    @property
    def doc(self) -> Doc[Any]:
        """The document as pycrdt has it."""
        return self._doc

    def map(self, name: str) -> SharedMap:
        """Return the shared map of this name.

        Raises:
            NameInUseError: the name is used as another kind of value here.
            TransactionError: the name is new, and this is inside an observer of pycrdt.
        """
        return self._root(name, Map, SharedMap)

    def list(self, name: str) -> SharedList:
        """Return the shared list of this name.

        Raises:
            NameInUseError: the name is used as another kind of value here.
            TransactionError: the name is new, and this is inside an observer of pycrdt.
        """
        return self._root(name, Array, SharedList)

    def text(self, name: str) -> SharedText:
        """Return the shared text of this name.

        Raises:
            NameInUseError: the name is used as another kind of value here.
            TransactionError: the name is new, and this is inside an observer of pycrdt.
        """
        return self._root(name, Text, SharedText)

    def transaction(self) -> AbstractContextManager[None]:
        """Group changes into one, which is taken back if the block raises.

        Raises:
            TransactionError: another task has a transaction open, or this is inside an observer
                of pycrdt.
        """
        return self._context.transaction()

    def undo_manager(self, *scopes: SharedValue, group_s: float = 0.5) -> UndoManager:
        """Return what undoes and redoes the changes that this notebook makes from now on.

        Args:
            *scopes: the shared values whose changes count; by default all that have a name and
                were used so far.
            group_s: changes that follow each other within so many seconds are undone together.

        Raises:
            ConfigError: a scope is no shared value.
            TransactionError: a transaction is open.
            ValueRemovedError: a scope is not in the document any more.
        """
        return UndoManager(self._context, scopes or tuple(self._roots.values()), group_s)

    def check_names(self) -> None:
        """Look whether peers use names of ours for another kind of value, and tell it once each.

        To be called after updates of peers. A list and a text of one name cannot be told apart.
        """
        for name, value in tuple(self._roots.items()):
            if name not in self._told:
                self._check_name(name, value.raw)

    def close(self) -> None:
        """End all observations; the values can be used as before."""
        self._context.observations.close()

    def pause(self) -> None:
        """Let all observations rest; the values can be used as before."""
        self._context.observations.pause()

    def go_on(self) -> None:
        """Let the observations go on that rest, but for those that were cancelled meanwhile."""
        self._context.observations.go_on()

    def _root(self, name: str, raw_kind: type[Any], kind: type[V]) -> V:
        _check_type(name)
        known = self._roots.get(check_key(name, "name"))
        if known is None:
            known = self._roots[name] = self._make_root(name, raw_kind)
            self._check_name(name, known.raw)
        if not isinstance(known, kind):
            raise NameInUseError(name, _WORDS[type(known.raw)], _WORDS[raw_kind])
        return known

    def _find_root(self, name: str) -> SharedValue:
        return self._roots[name]

    def _make_root(self, name: str, raw_kind: type[Any]) -> SharedValue:
        with self._context.writing():
            before = dict(self._doc.items()).get(name)
            if before is not None and not isinstance(before, raw_kind):
                used_as = _WORDS.get(type(before), type(before).__name__)
                raise NameInUseError(name, used_as, _WORDS[raw_kind])
            raw = self._doc.get(name, type=raw_kind)
            value: SharedValue = self._context.wrap(raw, RootPlace(name))
            return value

    def _check_name(self, name: str, raw: Any) -> None:
        """Tell if a name has content of another kind: maps have keys, lists and texts a sequence.

        pycrdt reads each kind as the other; reading more than the length may never end.
        """
        other = Array if isinstance(raw, Map) else Map
        with self._context.reading():
            if len(self._doc.get(name, type=other)) == 0:
                return
        self._told.add(name)
        used_as = "list or text" if other is Array else "map"
        self._context.tell(NameInUseError(name, _WORDS[type(raw)], used_as))


def _check_type(name: object) -> None:
    if not isinstance(name, str):
        what = f"{name!r:.80} is of type {type(name).__name__}"
        raise ValueRefusedError("name", what, 'Give a text: map("state").')
