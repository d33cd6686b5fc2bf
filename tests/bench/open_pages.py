"""JavaScript for pages with an open document: when something was there, and how long edits take.

It runs in JupyterLite's JupyterLab and in JupyterLab with a server alike.
"""

_UNTIL = """
    const until = async (find) => {
        for (;;) {
            const panel = window.jupyterapp?.shell.currentWidget;
            if (panel?.context?.isReady && find(panel)) return performance.now();
            await new Promise((resolve) => setTimeout(resolve, 10));
        }
    };
"""

SHOWN = f"{_UNTIL} return until(() => document.querySelector('.jp-Notebook .jp-Cell .cm-content'));"
"""When the document was shown."""

SHARED = f"""{_UNTIL}
    return until((panel) => panel.content.model.sharedModel.awareness.getStates().size >= 2);
"""
"""When there was another at the document."""

COMPUTES = f"""{_UNTIL}
    return until(({{ sessionContext }}) => sessionContext.session?.kernel?.status === "idle");
"""
"""When its kernel was ready."""

_CELL = "const cell = window.jupyterapp.shell.currentWidget.content.model.sharedModel.getCell(1);"

ECHO = f"""{_CELL}
    window.stopEcho?.();
    const echo = (event, {{ local }}) => local || cell.updateSource(0, 0, "e");
    cell.ysource.observe(echo);
    window.stopEcho = () => cell.ysource.unobserve(echo);
"""
"""Answer each edit of the other's by one, from now on."""

PING = f"""{_CELL}
    const times = [];
    for (let number = 0; number < arguments[0]; number++) {{
        const start = performance.now();
        const answered = new Promise((resolve) => {{
            const hear = (event, {{ local }}) => {{
                if (local) return;
                cell.ysource.unobserve(hear);
                resolve(performance.now());
            }};
            cell.ysource.observe(hear);
        }});
        cell.updateSource(0, 0, "p");
        times.push(((await answered) - start) / 2);
        await new Promise((resolve) => setTimeout(resolve, 50));
    }}
    cell.updateSource(0, cell.getSource().length, "");
    return times;
"""
"""Edit so often; gives halves of the round trips, in ms."""

NOTE_ENGINE = """{
    const { Worker, MessagePort } = window;
    window.Worker = class extends Worker {
        constructor(url, options) {
            super(url, options);
            if (options?.name === "pyodide-rtc engine") window.engineWanted ??= performance.now();
        }
    };
    const { set, ...more } = Object.getOwnPropertyDescriptor(MessagePort.prototype, "onmessage");
    Object.defineProperty(MessagePort.prototype, "onmessage", {
        ...more,
        set(listen) {
            set.call(this, (event) => {
                if (event.data?.[0] === "user") window.engineReady ??= performance.now();
                listen?.call(this, event);
            });
        },
    });
}"""
"""Before the page: note when the engine's worker is made, and when Python in it says its first."""
