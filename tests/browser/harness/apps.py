"""The applications of a JupyterLite site besides its notebooks: configured apart, with consoles."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from harness.site import Notebook, run_async
from pyodide_rtc.testing.browsers import eventually

__all__ = ["Console", "ask_host", "configure"]

START_TIMEOUT_S = 120


def configure(site: Path, app: str, **config: object) -> None:
    """Write into the `jupyter-lite.json` of one application of a copy of a site.

    Args:
        site: an `exposed_copy`.
        app: its folder, as `"repl"`; empty for the root, which holds for all.
        config: more for its `jupyter-config-data`; None takes a key away.
    """
    path = site / app / "jupyter-lite.json"
    content = json.loads(path.read_text())
    data = content["jupyter-config-data"] | config
    content["jupyter-config-data"] = {k: v for k, v in data.items() if v is not None}
    path.unlink()  # it may be the same file as in the site that was copied
    path.write_text(json.dumps(content))


def ask_host(driver: Any, operation: str) -> Any:
    """Ask host.js of the labextension on this page, as a kernel would; gives the reply."""
    return run_async(
        driver,
        """
        const { baseUrl } = JSON.parse(document.getElementById("jupyter-config-data").textContent);
        const { createHost } = await import(`${baseUrl}extensions/pyodide-rtc/static/host.js`);
        return await new Promise((resolve) => {
            createHost(([kind, question, reply]) => resolve(reply)).receive([arguments[0], 1]);
        });
        """,
        operation,
    )


_FIND = "const { console: panel, sessionContext } = window.jupyterapp?.shell.currentWidget ?? {};"
_SELECT_KERNEL = "document.querySelector('.jp-Dialog .jp-mod-accept')?.click();"
_IS_IDLE = (
    f"{_SELECT_KERNEL} {_FIND} return !!panel && sessionContext.session?.kernel?.status === 'idle';"
)
_START = f"""{_FIND}
    const [source] = arguments;
    const done = () => void (window.testCells ??= []).push(source);
    panel.inject(source).then(done, done);
    return source;
"""
_GET = f"""{_FIND}
    const [source] = arguments;
    const cells = Array.from(panel.cells).filter((c) => c.model.sharedModel.source === source);
    const outputs = cells.at(-1)?.model.outputs?.toJSON() ?? [];
    return {{ done: (window.testCells ?? []).includes(source), outputs }};
"""


class Console(Notebook):
    """The code console of the `repl` and `consoles` applications; no two cells may be the same."""

    def wait_idle(self) -> None:
        """Wait until the kernel can run a cell; asked which, take the proposed one."""
        eventually(lambda: self.js(_IS_IDLE), START_TIMEOUT_S, "the kernel is idle")

    def start(self, source: str) -> str:
        """Start a cell; gives its source, by which it is found again."""
        cell: str = self.js(_START, source)
        return cell

    def _get(self, cell: str) -> dict[str, Any]:
        found: dict[str, Any] = self.js(_GET, cell)
        return found
