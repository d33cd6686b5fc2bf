"""What a peer may put into a notebook to run script in somebody's page."""

from __future__ import annotations

import json

__all__ = ["ATTACKED", "attack"]

ATTACKED = "return window.attacked ?? []"
"""The kinds of attack that have run, on the page that is attacked."""

_SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"'
_WIDGET = "application/vnd.jupyter.widget-view+json"
_STATE = "application/vnd.jupyter.widget-state+json"
_CHART = {
    "$schema": "https://vega.github.io/schema/vega/v5.json",
    "width": 40,
    "height": 40,
    "marks": [{"type": "rect", "encode": {"enter": {"width": {"value": 9}}}}],
}
_LITE = {
    "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
    "data": {"values": [{"a": 1}, {"a": 2}]},
    "mark": "point",
    "encoding": {"x": {"field": "a", "type": "quantitative"}},
}


def _script(kind: str) -> str:
    """Script that notes that it ran, from within frames and opened windows as well."""
    return f"for (const w of [window, top, opener]) w && (w.attacked ??= []).push('{kind}')"


def _data() -> dict[str, dict[str, object]]:
    """Outputs by kind; each has what is shown of it to who does not trust it."""
    html = {
        "handler": '<img src="nowhere" onerror="{0}">',
        "script element": "<script>{0}</script>",
        "frame": '<iframe srcdoc="<script>{0}</script>"></iframe>',
        "link": '<a class="bait" href="javascript:{0}">by link</a>',
        "spaced link": '<a class="bait" href=" java&#9;script:{0}">by link</a>',
        "button": '<button class="bait" onclick="{0}">by button</button>',
        "form": '<form action="javascript:{0}"><input class="bait" type="submit"></form>',
        "command": '<a class="bait" data-commandlinker-command="notebook:trust"'
        ' data-commandlinker-args="{{}}">by command</a>',
        "custom": '<details open ontoggle="{0}">by details</details>',
        "math": '<math><maction class="bait" xlink:href="javascript:{0}">x</maction></math>',
        "object": '<object data="data:text/html,<script>{0}</script>"></object>',
    }
    found: dict[str, dict[str, object]] = {
        kind: {"text/html": f"<b>by html</b>{text.format(_script(kind))}"}
        for kind, text in html.items()
    }
    found["javascript"] = {"application/javascript": _script("javascript"), "text/plain": "js"}
    found["other javascript"] = {"text/javascript": _script("other javascript")}
    found["svg"] = {"image/svg+xml": f'{_SVG} onload="{_script("svg")}"/>'}
    found["svg script"] = {
        "image/svg+xml": f"{_SVG}><script>{_script('svg script')}</script></svg>"
    }
    found["svg link"] = {
        "image/svg+xml": f'{_SVG}><a class="bait" href="javascript:{_script("svg link")}">'
        "<text>x</text></a></svg>"
    }
    found["markdown"] = {"text/markdown": f'<img src="nowhere" onerror="{_script("markdown")}">'}
    found["latex"] = {
        "text/latex": f"$\\href{{javascript:{_script('latex')}}}{{x}}$ and "
        f"$\\style{{background:url(javascript:{_script('latex style')})}}{{y}}$"
    }
    found["mermaid"] = {
        "text/vnd.mermaid": f'flowchart LR\nA-->B\nclick A href "javascript:{_script("mermaid")}"'
    }
    found["pdf"] = {"application/pdf": "JVBERi0xLjQK", "text/plain": "by pdf"}
    found["widget"] = {
        _WIDGET: {"model_id": "attack", "version_major": 2, "version_minor": 0},
        "text/plain": "by widget",
    }
    # A view draws it, and puts what it has drawn into the output: is it then still somebody else's?
    found["vega"] = {
        "application/vnd.vega.v5+json": _CHART,
        "application/javascript": _script("vega"),
    }
    found["vegalite"] = {
        "application/vnd.vegalite.v5+json": _LITE
        | {
            "description": f"</code><script>{_script('vegalite text')}</script>",
            "usermeta": {
                "embedOptions": {
                    "sourceHeader": f"<script>{_script('vegalite source')}</script>",
                    "editorUrl": f"javascript:{_script('vegalite editor')}",
                    "i18n": {
                        "SOURCE_ACTION": f'<img src=x onerror="{_script("vegalite label")}">',
                        "EDITOR_ACTION": f'<img src=x onerror="{_script("vegalite label")}">',
                    },
                }
            },
        }
    }
    return found


def _outputs() -> list[dict[str, object]]:
    link = (
        "\x1b]8;;javascript:{0}\x1b\\by terminal\x1b]8;;\x1b\\ "
        'javascript:{0} <img src=x onerror="{0}">'
    )
    stream = link.format(_script("stream"))
    return [
        *(
            {"output_type": "display_data", "data": data, "metadata": {}}
            for data in _data().values()
        ),
        {"output_type": "stream", "name": "stdout", "text": f"\x1b[31mred\x1b[0m {stream}"},
        {
            "output_type": "error",
            "ename": "Error",
            "evalue": stream,
            "traceback": [stream],
        },
        {
            "output_type": "display_data",
            "data": {"application/vnd.vega.v5+json": _CHART},
            "metadata": {
                "application/vnd.vega.v5+json": {
                    "embed_options": {
                        "sourceHeader": f"<script>{_script('vega source')}</script>",
                        "editorUrl": f"javascript:{_script('vega editor')}",
                    }
                }
            },
        },
    ]


def _sources() -> list[str]:
    return [
        f'# by markdown\n<img src="nowhere" onerror="{_script("cell")}">',
        f'<iframe srcdoc="<script>{_script("cell frame")}</script>"></iframe>',
        f"[by link](javascript:{_script('cell link')}) <a class='bait' "
        f"href='javascript:{_script('cell link')}'>x</a>",
        f"![x](attachment:x.svg) [x](attachment:x.html) ![x](attachment:x.html)"
        f" $\\href{{javascript:{_script('cell latex')}}}{{x}}$",
        "```mermaid\nflowchart LR\nA-->B\n"
        f'click A href "javascript:{_script("cell mermaid")}"\n```',
        f'<details open ontoggle="{_script("cell details")}">x</details>',
    ]


_ESM = "export default {{ render: () => {{ {0} }} }};\n{0};"


def attack() -> str:
    """Give JavaScript that does it by the shared model of the attacker's page."""
    script = _script("attachment")
    svg = f'{_SVG} onload="{script}"><script>{script}</script></svg>'
    attachments = {
        "x.svg": {"image/svg+xml": svg},
        "x.html": {"text/html": f"<script>{script}</script>"},
    }
    widget = {
        "model_name": "AnyModel",
        "model_module": "anywidget",
        "model_module_version": "~0.9.*",
        "state": {
            "_model_module": "anywidget",
            "_model_name": "AnyModel",
            "_model_module_version": "~0.9.*",
            "_view_module": "anywidget",
            "_view_name": "AnyView",
            "_view_module_version": "~0.9.*",
            "_anywidget_id": "attack",
            "_esm": _ESM.format(_script("widget state")),
        },
    }
    states = {"version_major": 2, "version_minor": 0, "state": {"attack": widget}}
    return f"""
        const panel = window.jupyterapp.shell.currentWidget;
        const notebook = panel.context.model.sharedModel;
        const first = notebook.getCell(0).ymodel;
        const outputs = {json.dumps(_outputs())};
        const Map = first.constructor;
        const made = (output) => new Map(Object.entries(output));
        notebook.ydoc.transact(() => {{
            // Into a cell that the other has run, and so trusts; with the mark in each form.
            first.get("outputs").push(outputs.map(made));
            first.get("metadata").set("trusted", true);
            notebook.ymeta.get("metadata").set("widgets", {{ "{_STATE}": {json.dumps(states)} }});
            notebook.ymeta.get("metadata").set("trusted", true);
        }});
        // Cells that say of themselves that they are trusted.
        const about = {{ cell_type: "code", metadata: {{ trusted: true }} }};
        const forge = (source) => notebook.addCell({{ ...about, source, outputs }}).ymodel;
        forge("# forged by a value").get("metadata").set("trusted", true);
        forge("# forged by a map").get("metadata").set("trusted", new Map([["value", true]]));
        forge("# forged as a whole").set("metadata", new Map([["trusted", true]]));
        const last = forge("# forged with plain metadata");
        last.set("metadata", {{ trusted: true }});
        last.set("trusted", true);
        for (const source of {json.dumps(_sources())})
            notebook.addCell({{
                cell_type: "markdown", source, metadata: {{ trusted: true }},
                attachments: {json.dumps(attachments)},
            }});
        notebook.addCell({{ cell_type: "raw", source: {json.dumps(_sources()[0])} }});
    """
