"""Which text an edit on the page was made of.

A page sends the whole text, without what it was before. While its message was on its way, or has
waited behind a running cell, others may have changed the text in the kernel: what they inserted
would then look as if the person had deleted it. So the edit is taken for one of the text to which
it is nearest, among those that the page had lately.
"""

from __future__ import annotations

from collections import deque

from pyodide_rtc.shared.text_edits import changed_characters

RECENT_S = 10.0
"""So long a text counts as one that the page may still have: cells that run longer are rare."""

_MOST = 50
"""So many texts are looked at."""


class PageTexts:
    """The texts that a page may have, of one trait; the last one is what the widget has."""

    def __init__(self) -> None:
        self._shown: deque[tuple[str, float]] = deque(maxlen=_MOST)

    def show(self, text: str, now_s: float) -> None:
        """The widget has this text now."""
        self._forget(now_s)
        if not self._shown or self._shown[-1][0] != text:
            self._shown.append((text, now_s))

    def base_of(self, text: str, is_from_page: bool, now_s: float) -> str:
        """Return the text of which an edit has made this one.

        Args:
            text: what it has become.
            is_from_page: whether the page sent it; code edits what the widget has.
            now_s: the time of the loop, in seconds.
        """
        self._forget(now_s)
        recent = [shown for shown, _ in reversed(self._shown)]
        if not is_from_page or text in recent:
            return recent[0]  # a text that was there before: what came since is deleted
        return min(recent, key=lambda shown: changed_characters(shown, text))

    def _forget(self, now_s: float) -> None:
        """Forget what has not been shown for a long time: each was until the next one came."""
        while len(self._shown) > 1 and self._shown[1][1] < now_s - RECENT_S:
            self._shown.popleft()
