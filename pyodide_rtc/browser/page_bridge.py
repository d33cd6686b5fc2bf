"""The messages between Python and host.js, and the routing of those that come.

A message is an array `[operation, key, ...arguments]`. Keys are numbers for peer connections and
questions, texts for proxied data channels. The two routes of messages are in routes.py and
direct.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any, Protocol

from pyodide_rtc.browser.ffi import as_js
from pyodide_rtc.errors import BridgeError, BridgeTimeoutError

__all__ = ["PageBridge", "PageRefusalError", "Receiver"]

_REPLY_TIMEOUT_S = 10.0
"""A page that builds its user interface can be busy for seconds."""


class PageRefusalError(BridgeError):
    """The page could not do what it was asked; never leaves `browser/`.

    Args:
        name: the name of the JavaScript error.
        message: its sentence.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(name, message)
        self.name = name
        self.message = message

    def __str__(self) -> str:
        return f"{self.name}: {self.message}"


class Receiver(Protocol):
    """Receives the messages with one key."""

    def receive(self, operation: str, *args: Any) -> None:
        """Handle one message."""


class PageBridge:
    """Sends messages to host.js, and passes those from it to the receiver of their key.

    Args:
        route: how the page is reached, as one word.
        post: sends a message; its arguments are the parts, all of them JavaScript values already.
    """

    def __init__(self, route: str, post: Callable[..., object]) -> None:
        self.route = route
        self._post = post
        self._keys = count(1)
        self._receivers: dict[int | str, Receiver] = {}
        self._questions: dict[int | str, asyncio.Future[Any]] = {}

    def send(self, *message: object) -> None:
        """Send one message."""
        # Most parts are text, which needs no conversion: to convert the whole takes twice as long.
        self._post(*(part if isinstance(part, str) else as_js(part) for part in message))

    def new_key(self) -> int:
        """Return a new number for a peer connection or a question."""
        return next(self._keys)

    def add(self, key: int | str, receiver: Receiver) -> None:
        """Pass all messages with this key to `receiver`."""
        self._receivers[key] = receiver

    def discard(self, key: int | str) -> None:
        """Drop the messages with this key from now on."""
        self._receivers.pop(key, None)

    async def ask(self, operation: str, *args: object) -> Any:
        """Ask the page, and wait for its answer.

        Raises:
            BridgeTimeoutError: the page did not answer.
            PageRefusalError: the page could not do it.
            BridgeError: the bridge was closed.
        """
        question = self.new_key()
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._questions[question] = answer
        try:
            self.send(operation, question, *args)
            await asyncio.wait([answer], timeout=_REPLY_TIMEOUT_S)
        finally:
            del self._questions[question]
        if not answer.done():
            raise BridgeTimeoutError(
                f"the page did not answer {operation!r} within {_REPLY_TIMEOUT_S:g} s. It may be "
                "busy: try again, and reload the page if that does not help"
            )
        return answer.result()

    def receive(self, operation: str, key: int | str, *args: Any) -> None:
        """Handle one message of host.js, given by its parts."""
        if (answer := self._questions.get(key)) is not None:
            _settle(answer, operation, *args)
        elif (receiver := self._receivers.get(key)) is not None:
            receiver.receive(operation, *args)

    def close(self) -> None:
        """Fail all questions that wait for an answer, and receive nothing more."""
        self._receivers.clear()
        for answer in self._questions.values():
            if not answer.done():
                answer.set_exception(BridgeError("the way to the page was closed. Join again"))


def _settle(answer: asyncio.Future[Any], operation: str, *args: Any) -> None:
    if answer.done():  # timed out or cancelled a moment ago
        return
    if operation == "reply":
        answer.set_result(args[0])
    else:
        answer.set_exception(PageRefusalError(*args))
