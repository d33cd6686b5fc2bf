"""The messages between Python and host.js, and who they are for.

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
        name: of the JavaScript error.
        message: its sentence.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(name, message)
        self.name = name
        self.message = message

    def __str__(self) -> str:
        return f"{self.name}: {self.message}"


class Receiver(Protocol):
    """Takes the messages of one key."""

    def receive(self, operation: str, *args: Any) -> None:
        """Take one message."""


class PageBridge:
    """Carries messages to host.js, and those from it to whom they belong.

    Args:
        route: how the page is reached, as one word.
        post: takes the parts of a message, all of them JavaScript's already.
    """

    def __init__(self, route: str, post: Callable[..., object]) -> None:
        self.route = route
        self._post = post
        self._keys = count(1)
        self._receivers: dict[int | str, Receiver] = {}
        self._questions: dict[int | str, asyncio.Future[Any]] = {}

    def send(self, *message: object) -> None:
        """Send one message."""
        # Most parts are text, which goes over as it is; to convert the whole takes twice as long.
        self._post(*(part if isinstance(part, str) else as_js(part) for part in message))

    def new_key(self) -> int:
        """Give a number for a peer connection."""
        return next(self._keys)

    def add(self, key: int | str, receiver: Receiver) -> None:
        """Hand all messages with this key to `receiver`."""
        self._receivers[key] = receiver

    def discard(self, key: int | str) -> None:
        """Drop the messages with this key from now on."""
        self._receivers.pop(key, None)

    async def ask(self, operation: str, *args: object) -> Any:
        """Ask the page, and wait for what it says.

        Raises:
            BridgeTimeoutError: the page did not answer.
            PageRefusalError: the page could not.
            BridgeError: the bridge was closed.
        """
        question = self.new_key()
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._questions[question] = answer
        try:
            self.send(operation, question, *args)
            return await asyncio.wait_for(answer, _REPLY_TIMEOUT_S)
        except TimeoutError as exc:
            problem = f"the page did not answer {operation!r} within {_REPLY_TIMEOUT_S:g} s"
            raise BridgeTimeoutError(problem) from exc
        finally:
            del self._questions[question]

    def receive(self, operation: str, key: int | str, *args: Any) -> None:
        """Take the parts of one message of host.js."""
        if (answer := self._questions.get(key)) is not None:
            _settle(answer, operation, *args)
        elif (receiver := self._receivers.get(key)) is not None:
            receiver.receive(operation, *args)

    def close(self) -> None:
        """Fail what waits for an answer, and hear nothing more."""
        self._receivers.clear()
        for answer in self._questions.values():
            if not answer.done():
                answer.set_exception(BridgeError("the bridge to the page was closed"))


def _settle(answer: asyncio.Future[Any], operation: str, *args: Any) -> None:
    if answer.done():  # timed out or cancelled a moment ago
        return
    if operation == "reply":
        answer.set_result(args[0])
    else:
        answer.set_exception(PageRefusalError(*args))
