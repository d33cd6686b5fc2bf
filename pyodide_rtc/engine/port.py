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
| `move` | seed, new document | a lineage was renamed: the others are to go on by that name, too |
| `panel` | whether | the dialog of the status item is opened, and closed |
| `ping` | | now and then |

From the engine:

| operation | then | when |
|---|---|---|
| `user` | identity | it is known who sits at the page, and when that changes |
| `room` | sentence, number of people | that changes |
| `people` | [{"name", "color"}, ...] | that changes; the person at the page comes first |
| `panel` | what `engine/panel.py` describes | that changes, while that dialog is open |
| `troubles` | [[cause, sentence], ...] | that changes; all that there are |
| `document` | key, word, sentence | it changes how far an open document is shared |
| `update` | seed, update | others have edited |
| `presence` | [[client id, state], ...] | what the others show changes; all of them |
| `adopt` | candidate, state | the room has another lineage: the page is to show that one |
| `lineage` | candidate | what is known of the lineage that the page shows has changed |
| `moved` | new document | the others have renamed what the page shows |
| `missing` | | a document that this browser lacks is nobody's |
| `fault` | sentence | something went wrong, and the engine goes on |
| `pong` | | an answer to `ping`: the engine is alive |
| `stopped` | sentence | the engine could not be started |

If the engine dies, engine-client.js tells the page so in its place: `restarting`, then `restarted`
once another one is being started; `stopped` when it gives up.

`document` names the document behind the operation, as it is a message for the page as a whole. Its
word is `looking` (for a document that this browser lacks), `alone` (nobody else has it open),
`syncing` or `synced`.

The causes of troubles: `failed` (the room could not be opened), `signaling` (no server is reached),
`path` (somebody is here, without a network path to them), `password` (somebody has another one),
`merge` (the room could not merge something), `merge KEY` (a document of the page could not be
shared). Their names tell the page which notice to change, and when it is over.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

Post: TypeAlias = Callable[..., None]
"""Sends one message to the page: `post(operation, document, *about)`."""
