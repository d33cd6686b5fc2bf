"""The shared widgets of one room: each name is bound to one widget here, and each widget once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import ipywidgets

from pyodide_rtc.document import DocumentBase
from pyodide_rtc.errors import NameInUseError, RtcError, SharedValueError
from pyodide_rtc.observers import Observation
from pyodide_rtc.shared.plain_values import check_key
from pyodide_rtc.widgets.binding import Binding
from pyodide_rtc.widgets.kinds import check_widget, checked_traits, is_shared_in_a_box, kind_of
from pyodide_rtc.widgets.page_comms import OpenChannel, PageComms
from pyodide_rtc.widgets.record import Record

__all__ = ["Resting", "Sharing"]


@dataclass(frozen=True, slots=True)
class _Held:
    observations: Sequence[Observation] = ()
    buttons: Sequence[Any] = ()


_NOTHING_HELD = _Held()


@dataclass(frozen=True, slots=True)
class Resting:
    """What a room that was left shared: widget, name and traits of each, and what names held."""

    widgets: Sequence[tuple[Any, str, Sequence[str]]]
    held: Mapping[str, _Held]


class Sharing:
    """The shared widgets of one room.

    Args:
        document: where their values lie.
        tell: takes what goes wrong and cannot be raised to anybody.
    """

    def __init__(self, document: DocumentBase, tell: Callable[[BaseException], None]) -> None:
        self._document = document
        self._tell = tell
        self._by_name: dict[str, Binding] = {}
        self._by_widget: dict[Any, Binding] = {}
        self._held: dict[str, _Held] = {}
        self._page = PageComms(tell)

    def share(self, widget: Any, name: object, traits: Iterable[str] | None) -> None:
        """Share a widget, with its children if it is a box; as `Room.share` tells."""
        checked = check_key(name, "the name of a widget")
        where = f"share({checked!r})"
        check_widget(widget, where)
        new = [self._made(widget, checked, checked_traits(widget, traits, where))]
        new += [self._made(*child) for child in self._children(widget, checked)]
        for binding in new:
            self._bind(binding)

    def unshare(self, widget: Any) -> None:
        """Share a widget no longer; as `Room.unshare` tells."""
        check_widget(widget, "unshare()")
        binding = self._by_widget.get(widget)
        if binding is not None:
            self._end_with_children(binding, "it was unshared")

    async def until_changed(self, widget: Any, timeout_s: float | None) -> None:
        """Wait until a widget changes; as `Room.until_changed` tells."""
        binding = self._by_widget.get(widget)
        if binding is None:
            raise SharedValueError(
                f"This {type(widget).__name__} is not shared in this room",
                "Share it first: room.share(widget, name).",
            )
        await binding.until_changed(timeout_s)

    def connect(self, open_channel: OpenChannel) -> None:
        """Have a way to the page from now on: channels that this opens."""
        self._page.connect(open_channel)

    def hold(
        self, name: str, observations: Sequence[Observation], buttons: Sequence[Any] = ()
    ) -> None:
        """Keep what a widget that shares itself needs, in place of what its name has.

        Args:
            name: the name, with its kind.
            observations: what it observes.
            buttons: its buttons: their clicks arrive while a cell awaits.
        """
        self._release(name)
        self._held[name] = _Held(observations, buttons)
        for button in buttons:
            self._page.add(button)

    def close(self, error: RtcError) -> Resting:
        """Write what was not written yet, and share nothing any longer.

        What is observed rests with all other observations of the room.

        Returns:
            what was shared, for `go_on`.
        """
        in_boxes = {below.name for each in self._by_name.values() for below in self._below(each)}
        alone = [each for name, each in self._by_name.items() if name not in in_boxes]
        resting = Resting(tuple((b.widget, b.name, b.traits) for b in alone), dict(self._held))
        for binding in tuple(self._by_widget.values()):
            self._end(binding, error)
        self._page.close()
        return resting

    def go_on(self, resting: Resting) -> None:
        """Share what was shared before the room was left; what cannot be shared is told."""
        for widget, name, traits in resting.widgets:
            try:
                self.share(widget, name, traits)
            except RtcError as error:
                self._tell(error)
        for name, held in resting.held.items():
            self.hold(name, held.observations, held.buttons)

    def _made(self, widget: Any, name: str, traits: tuple[str, ...]) -> Binding:
        """Return what binds a widget, and is not begun.

        Raises:
            NameInUseError: the name has a widget of another type.
            ValueRefusedError: a value cannot be shared.
        """
        record = Record(self._document, name)
        if record.kind not in (None, kind_of(widget)):
            raise _of_other_kind(name, record.kind, widget)
        return Binding(widget, name, traits, record, self._tell, self._on_other_kind)

    def _bind(self, binding: Binding) -> None:
        """Bind a widget in place of what its name was bound to, and of its own former name."""
        for before in (self._by_name.get(binding.name), self._by_widget.get(binding.widget)):
            if before is not None:
                self._end_with_children(before, "it was shared again")
        binding.begin()
        self._by_name[binding.name] = self._by_widget[binding.widget] = binding
        self._page.add(binding.widget, binding.texts, binding.take_from_page)
        if isinstance(binding.widget, ipywidgets.Box):
            binding.widget.observe(self._on_children, names="children")

    def _end_with_children(self, binding: Binding, why: str) -> None:
        for each in (binding, *self._below(binding)):
            self._end(each, _ended(each.name, why))

    def _end(self, binding: Binding, error: RtcError) -> None:
        if self._by_widget.get(binding.widget) is not binding:
            return
        del self._by_name[binding.name], self._by_widget[binding.widget]
        self._page.remove(binding.widget)
        if isinstance(binding.widget, ipywidgets.Box):
            binding.widget.unobserve(self._on_children, names="children")
        binding.close(error)

    def _release(self, name: str) -> None:
        held = self._held.pop(name, _NOTHING_HELD)
        for observation in held.observations:
            observation.cancel()
        for button in held.buttons:
            self._page.remove(button)

    def _children(self, box: Any, name: str) -> Iterator[tuple[Any, str, tuple[str, ...]]]:
        """Give the children of a box that are shared with it, at any depth, with their names.

        One that has a name of its own already keeps it.
        """
        if not isinstance(box, ipywidgets.Box):
            return
        for position, child in enumerate(box.children):
            inside = f"{name}/{position}"
            known = self._by_widget.get(child)
            is_elsewhere = known is not None and not known.name.startswith(f"{name}/")
            if not is_elsewhere and is_shared_in_a_box(child):
                yield child, inside, checked_traits(child, None, inside)
                yield from self._children(child, inside)

    def _below(self, box: Binding) -> list[Binding]:
        start = f"{box.name}/"
        is_box = isinstance(box.widget, ipywidgets.Box)
        return [b for n, b in self._by_name.items() if n.startswith(start)] if is_box else []

    def _on_children(self, change: Any) -> None:
        """Share the new children of a box, and those that have gone no longer."""
        box = self._by_widget[change.owner]
        wanted = {name: child for child, name, _ in self._children(box.widget, box.name)}
        for binding in self._below(box):
            if wanted.get(binding.name) is not binding.widget:
                self._end(binding, _ended(binding.name, "it is not in its box any more"))
        for child, name, traits in tuple(self._children(box.widget, box.name)):
            if name not in self._by_name:
                try:
                    self._bind(self._made(child, name, traits))
                except SharedValueError as error:
                    self._tell(error)

    def _on_other_kind(self, binding: Binding, kind: str) -> None:
        error = _of_other_kind(binding.name, kind, binding.widget)
        self._end(binding, error)
        self._tell(error)


def _of_other_kind(name: str, kind: str | None, widget: Any) -> NameInUseError:
    return NameInUseError(name, f"widget {kind}", f"widget {kind_of(widget)}")


def _ended(name: str, why: str) -> SharedValueError:
    return SharedValueError(f"Widget {name!r} is not shared any more: {why}", "Share it again.")
