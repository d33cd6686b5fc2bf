"""A panel as HTML, for pages that cannot run its script: it says the same, without buttons.

Nothing in it is executed or loaded. All that comes from outside is escaped.
"""

from __future__ import annotations

from html import escape

from pyodide_rtc.panel.model import DocumentRow, Panel, PersonRow, ServerRow

__all__ = ["panel_html", "panel_text"]

Rows = list[tuple[str, str]]


def panel_html(panel: Panel, hint: str) -> str:
    """Draw a panel as HTML.

    Args:
        panel: what it shows.
        hint: why it has no buttons, and what to do; empty to say nothing.
    """
    rows = "".join(
        f"<tr><th scope='row' style='text-align:left;vertical-align:top'>{escape(head)}</th>"
        f"<td style='text-align:left;overflow-wrap:anywhere'>{escape(text)}</td></tr>"
        for head, text in _rows(panel)
    )
    notes = "".join(f"<p>{escape(note)}</p>" for note in [*panel.notes, hint] if note)
    title = f"<p><b>{escape(panel.room)}</b>: {escape(panel.sentence)}</p>"
    return f"<div>{title}<table>{rows}</table>{notes}</div>"


def panel_text(panel: Panel, hint: str) -> str:
    """Draw a panel as lines of plain text."""
    rows = [f"  {head:<10} {text}" for head, text in _rows(panel)]
    notes = [note for note in [*panel.notes, hint] if note]
    return "\n".join([f"Room {panel.room}: {panel.sentence}", *rows, *notes])


def _rows(panel: Panel) -> Rows:
    rows = [("person", _person(one)) for one in panel.people]
    rows += [("document", _document(one)) for one in panel.documents]
    if panel.kept is not None:
        rows.append(("kept", panel.kept.about))
    rows += [("server", _server(one)) for one in panel.servers or ()]
    if panel.invitation is not None:
        password = ", and the password" if panel.invitation.has_password else ""
        rows.append(("link", f"{panel.invitation.link}{password}"))
    return rows


def _person(row: PersonRow) -> str:
    words = [f"{row.name} (you)" if row.is_me else row.name, row.about, row.connection]
    return ", ".join(filter(None, [*words, *(one.words for one in row.progress)]))


def _document(row: DocumentRow) -> str:
    return ", ".join(filter(None, (row.name, row.size, row.about)))


def _server(row: ServerRow) -> str:
    return f"{row.url} {row.about}"
