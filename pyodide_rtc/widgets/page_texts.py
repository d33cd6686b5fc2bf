"""Which text an edit on the page was made of.

A page sends the whole text, without what it was before. While its message was on its way, or has
waited behind a cell, others may have changed the text in the kernel: what they inserted would then
look as if the person had deleted it.

A page has the text that it has sent last, or one that the kernel has put there since. The edit is
taken for one of that among these to which it is nearest. If that is wrong, something of others
stays that the person wanted to replace; nothing is lost.

A page that is reached past the running cell (page_comms.py) tells which text it was.
"""

from __future__ import annotations

from pyodide_rtc.shared.text_edits import changed_characters

RECENT_S = 60.0
"""After so long a page has what the kernel has sent, if no cell has run all the time."""

_MOST = 200
"""So many texts are looked at: each takes a pass over the text."""


class PageTexts:
    """The texts that a page may have, of one trait; the last one is what the widget has."""

    def __init__(self) -> None:
        self._texts: list[tuple[str, float]] = []
        self._told: str | None = None

    def show(self, text: str, now_s: float) -> None:
        """The widget has this text now, and the page will.

        Args:
            text: the text.
            now_s: the time of the loop, in seconds.
        """
        self._forget(now_s)
        if not self._texts or self._texts[-1][0] != text:
            self._texts.append((text, now_s))

    def tell(self, text: str) -> None:
        """The next edit of the page was made of this text."""
        self._told = text

    def base_of(self, text: str, is_from_page: bool, now_s: float) -> str:
        """Return the text of which an edit has made this one.

        Args:
            text: what it has become.
            is_from_page: whether the page sent it; code edits what the widget has.
            now_s: the time of the loop, in seconds.
        """
        self._forget(now_s)
        if is_from_page and self._told is not None:
            return self._told
        candidates = [shown for shown, _ in reversed(self._texts)]
        latest = candidates[0]
        if not is_from_page or changed_characters(latest, text) <= 1 or text in candidates:
            return latest  # a text that was there before: what came since is deleted
        return min(candidates, key=lambda shown: changed_characters(shown, text))

    def edit(self, base: str, text: str, now_s: float) -> None:
        """The page has made this text of that one, and has none any more that was before it.

        Args:
            base: what `base_of` has returned.
            text: what it has become.
            now_s: the time of the loop, in seconds.
        """
        self._told = None
        found = [i for i, (shown, _) in enumerate(self._texts) if shown == base]
        self._texts[: found[-1] + 1 if found else None] = [(text, now_s)]

    def _forget(self, now_s: float) -> None:
        """Forget the first texts, in place of which others are there for a long time."""
        old_s = now_s - RECENT_S
        while len(self._texts) > 1 and (self._texts[1][1] < old_s or len(self._texts) > _MOST):
            del self._texts[0]
