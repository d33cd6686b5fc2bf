"""Binds one widget to what the room has of it.

What a person or code changes in the widget is written to the room, at most once in `INTERVAL_S`,
and the last value always. What the room has is put into the widget, and is not written back: a
value that the widget alters or refuses is told, and stays as it is for all others.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from pyodide_rtc import background
from pyodide_rtc.errors import (
    ChangeTimeoutError,
    RtcError,
    SharedValueError,
    TransactionError,
    ValueRefusedError,
)
from pyodide_rtc.shared import ValuesChanged
from pyodide_rtc.shared.plain_values import is_same
from pyodide_rtc.widgets.kinds import is_text, kind_of
from pyodide_rtc.widgets.page_texts import PageTexts
from pyodide_rtc.widgets.record import Record
from pyodide_rtc.widgets.trait_values import from_room, to_room

INTERVAL_S = 0.04
"""A widget is written to the room once in so many seconds at most: a slider that is dragged moves
25 times a second for the others."""


class Binding:
    """One widget that is shared.

    Args:
        widget: the widget.
        name: its name in the room.
        traits: which of its traits are shared.
        record: what the room has of it.
        tell: takes what goes wrong and cannot be raised to anybody.
        on_other_kind: called when it turns out that others have widgets of another type under this
            name, and were first.
    """

    def __init__(
        self,
        widget: Any,
        name: str,
        traits: Sequence[str],
        record: Record,
        tell: Callable[[BaseException], None],
        on_other_kind: Callable[[Binding, str], None],
    ) -> None:
        self.widget = widget
        self.name = name
        self.traits = tuple(traits)
        self._texts = {trait: PageTexts() for trait in traits if is_text(widget, trait)}
        self._record = record
        self._tell = tell
        self._on_other_kind = on_other_kind
        self._known: dict[str, Any] = {}
        """What the room had of each trait when it was last put into the widget, or refused."""
        self._refused: set[str] = set()
        """Of which traits the widget does not have what the room has, and that was told."""
        self._taking: Counter[str] | None = None
        """How often each trait that is being put into the widget has changed by that."""
        self._dirty: dict[str, bool] = {}
        """Which traits are to be written; whether the page was the last to change each of them."""
        self._timer: asyncio.TimerHandle | None = None
        self._next_s = 0.0
        self._waiters: set[asyncio.Future[None]] = set()
        self._first = {trait: self._own(trait) for trait in traits}  # ValueRefusedError

    def begin(self) -> None:
        """Be bound from now on: give first values to the room, or take what it has.

        Raises:
            TransactionError: another task has a transaction open.
            NameInUseError: the name of a text is used as another kind of value.
        """
        self._loop = asyncio.get_running_loop()
        values = [self._record.map, *(self._record.text(name) for name in self._texts)]
        self._record.offer(kind_of(self.widget), self._first)
        self._take("")
        self.widget.observe(self._on_trait, names=list(self.traits))
        self._observations = [value.observe(self._on_room) for value in values]

    def close(self, error: RtcError) -> None:
        """Write what was not written yet, and be bound no longer.

        Args:
            error: raised to those who wait for a change.
        """
        self._flush()
        if self._dirty:
            problem = f"The last change of the widget {self.name!r} was not shared"
            self._tell(SharedValueError(f"{problem}: a transaction was open", "Make it again."))
        self.widget.unobserve(self._on_trait, names=list(self.traits))
        for observation in self._observations:
            observation.cancel()
        if self._timer is not None:
            self._timer.cancel()
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_exception(error)

    async def until_changed(self, timeout_s: float | None) -> None:
        """Wait until a trait changes, whoever changes it.

        Raises:
            ChangeTimeoutError: it took longer.
            RtcError: the widget is shared no longer.
        """
        waiter: asyncio.Future[None] = self._loop.create_future()
        self._waiters.add(waiter)
        try:
            async with asyncio.timeout(timeout_s):
                await waiter
        except TimeoutError as error:
            raise ChangeTimeoutError(timeout_s or 0.0, f"widget {self.name!r}") from error
        finally:
            self._waiters.discard(waiter)

    @property
    def texts(self) -> tuple[str, ...]:
        """Which of the traits are texts that people type."""
        return tuple(self._texts)

    # From the widget to the room.

    def take_from_page(self, message: Mapping[str, Any], before: Mapping[str, Any]) -> None:
        """Take what the page has sent past the running cell.

        Args:
            message: as the widget's `comm` takes it.
            before: what each text that it brings was on the page before.
        """
        for name in self._texts:
            if isinstance(text := before.get(name), str):
                self._texts[name].tell(text)
        self.widget.comm.handle_msg(message)

    def _on_trait(self, change: Any) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        if self._taking is not None and change.name in self._taking:
            self._taking[change.name] += 1
        else:
            self._touch(change.name)

    def _touch(self, name: str) -> None:
        """Write a trait: now, or once the interval is over; a busy kernel is late with timers."""
        self._dirty[name] = self._is_from_page(name)
        # Each text of the page is an edit of its own: two of them cannot be told from one text.
        is_edit = self._dirty[name] and name in self._texts
        wait_s = self._next_s - self._loop.time()
        if wait_s <= 0 or is_edit:
            self._flush()
        elif self._timer is None:
            self._timer = background.later(wait_s, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self._flush()

    def _flush(self) -> None:
        """Write all traits that have changed; where the document is in use, a little later."""
        self._next_s = self._loop.time() + INTERVAL_S
        dirty, self._dirty = self._dirty, {}
        try:
            self._write([name for name in dirty if name not in self._texts])
            for name in [name for name in dirty if name in self._texts]:
                self._write_text(name, dirty[name])
                del dirty[name]
        except TransactionError:
            self._dirty = dirty | self._dirty
            if self._timer is None:
                self._timer = background.later(INTERVAL_S, self._on_timer)
        except RtcError as error:
            self._tell(error)

    def _write(self, names: Sequence[str]) -> None:
        values = {}
        for name in names:
            try:
                value = self._own(name)
            except ValueRefusedError as error:
                self._tell(error)
                continue
            self._known[name] = value
            if not is_same(self._room_value(name), value):
                values[name] = value
        if values:
            self._record.set(values)

    def _write_text(self, name: str, is_from_page: bool) -> None:
        """Make the edit of a text; what others have made of it meanwhile is put into the widget."""
        after = getattr(self.widget, name)
        texts, now_s = self._texts[name], self._loop.time()
        before = texts.base_of(after, is_from_page, now_s)
        if before != after:
            self._record.edit_text(name, before, after)
        if is_from_page:
            texts.edit(before, after, now_s)
        self._known[name] = after
        self._take("", (name,))
        texts.show(getattr(self.widget, name), now_s)

    # From the room to the widget.

    def _on_room(self, event: ValuesChanged) -> None:
        kind = self._record.kind
        if kind not in (None, kind_of(self.widget)):
            self._dirty.clear()
            self._on_other_kind(self, kind)
            return
        with suppress(TransactionError):  # at the next event then
            self._record.withdraw()
        if any(name in self._dirty for name in self._texts):
            self._flush()
        self._take(event.author)

    def _take(self, author: str, names: Sequence[str] = ()) -> None:
        """Put what is new in the room into the widget.

        What people have just changed here, and what is still to be written, stays.
        """
        new = {}
        for name in names or self.traits:
            if name not in self._dirty and self._record.has(name):
                value = self._room_value(name)
                if name not in self._known or not is_same(self._known[name], value):
                    new[name] = value
        self._known.update(new)
        waiting = {name: value for name, value in new.items() if not self._has(name, value)}
        before, self._taking = self._taking, Counter(dict.fromkeys(waiting, 0))
        try:
            # Twice: a value may only be possible once the bounds are those that came with it.
            refused = {n: v for n, v in waiting.items() if self._put(n, v) is not None}
            problems = {n: self._put(n, v) for n, v in refused.items()}
            moved = [name for name in waiting if self._has_moved(name)]
        finally:
            self._taking = before
        for name in self._texts:
            if name in new:
                self._texts[name].show(getattr(self.widget, name), self._loop.time())
        for name in moved:
            self._touch(name)
        self._refused -= {name for name in new if problems.get(name) is None}
        for name, problem in problems.items():
            if problem is not None and name not in moved:
                self._tell_refusal(name, new[name], author, problem)

    def _put(self, name: str, value: Any) -> str | None:
        """Put a value into the widget.

        Returns:
            why the widget does not have it then; None if it has.
        """
        assert self._taking is not None, "it counts"
        self._taking[name] = 0
        reason = ""
        try:
            setattr(self.widget, name, from_room(self.widget, name, value))
        except Exception as error:  # it is untrusted, and a user's observer may raise anything
            if self._taking[name]:
                self._tell(error)  # of an observer: the widget has the value
            else:
                reason = str(error) or type(error).__name__
        if self._has(name, value) or self._has_moved(name):
            return None
        return reason or f"it became {getattr(self.widget, name)!r:.60}"

    def _has_moved(self, name: str) -> bool:
        """Return whether an observer has changed a trait again that was just put in."""
        assert self._taking is not None, "it counts"
        return self._taking[name] > 1 and not self._has(name, self._known[name])

    def _has(self, name: str, value: Any) -> bool:
        try:
            return is_same(self._own(name), value)
        except ValueRefusedError:
            return False

    def _tell_refusal(self, name: str, value: Any, author: str, reason: str) -> None:
        """Tell that the widget does not have a value; once, until it has one that comes again."""
        if name not in self._refused:
            self._refused.add(name)
            problem = (
                f"The widget {self.name!r} ({kind_of(self.widget)}) did not take the {name} "
                f"{value!r:.60} of {author or 'the room'}: {reason.rstrip('.')}"
            )
            remedy = "The room has it until somebody changes the widget."
            self._tell(SharedValueError(problem, remedy))

    # Both.

    def _own(self, name: str) -> Any:
        return to_room(self.widget, name, f"widget {self.name!r}.{name}")

    def _room_value(self, name: str) -> Any:
        return self._record.read_text(name) if name in self._texts else self._record.get(name)

    def _is_from_page(self, name: str) -> bool:
        """Return whether a change of a trait comes from the page just now.

        ipywidgets tells it nowhere else: while it takes a message, it has the trait locked.
        """
        return name in getattr(self.widget, "_property_lock", {})
