"""The messages between the page and the engine, over a MessagePort.

A message is an array `[operation, document, ...]`. `document` is `"{contentType}:{path}"`, or empty
for the page as a whole. States and updates are bytes of Yjs (update v1). `seed` names the lineage
(lineage.py) that they belong to: an update of another lineage than the receiver has is late, and
dropped. All other values that are no text and no number travel as JSON.

From the page:

| operation | then | when |
|---|---|---|
| `open` | candidate, state | a document is opened |
| `open` | | a document is opened that this browser does not have |
| `lineage` | candidate | somebody has written into a document that was a placeholder |
| `update` | seed, update | it was edited here |
| `presence` | client id, state or None | what the page shows of itself in it changes |
| `close` | | it was closed |

From the engine:

| operation | then | when |
|---|---|---|
| `user` | identity | it is known who sits at the page |
| `room` | sentence, number of people | that changes |
| `update` | seed, update | others have edited |
| `presence` | [[client id, state], ...] | what the others show changes; all of them |
| `adopt` | candidate, state | the room has another lineage: the page is to show that one |
| `lineage` | candidate | what is known of the lineage that the page shows has changed |
| `missing` | | a document that this browser lacks is nobody's |
| `fault` | sentence | something went wrong, and the engine goes on |
| `stopped` | sentence | the engine could not be started |
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Post: TypeAlias = Callable[..., None]
"""Sends one message to the page: `post(operation, document, *about)`."""
