"""A panel as HTML or text, where its script cannot run: it says the same, without buttons.

Nothing in it is executed or loaded. All that comes from outside is escaped.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from pyodide_rtc.panel.model import DocumentRow, Panel, PersonRow, ServerRow

__all__ = ["Rows", "panel_html", "panel_text", "rows_html", "rows_text"]

Rows = list[tuple[str, str]]


def panel_html(panel: Panel, hint: str) -> str:
    """Draw a panel as HTML.

    Args:
        panel: what it shows.
        hint: why it has no buttons, and what to do; empty to say nothing.
    """
    return rows_html(panel.room, panel.sentence, _rows(panel), [*panel.notes, hint])


def panel_text(panel: Panel, hint: str) -> str:
    """Draw a panel as lines of plain text."""
    return rows_text(panel.room, panel.sentence, _rows(panel), [*panel.notes, hint])


def rows_html(room: str, sentence: str, rows: Rows, notes: Iterable[str]) -> str:
    """Draw a table of what is said of a room as HTML.

    Args:
        room: the room's name.
        sentence: how the room is.
        rows: what each row is about, and what it says.
        notes: sentences below the table; empty ones are left out.
    """
    drawn = "".join(
        f"<tr><th scope='row' style='text-align:left;vertical-align:top'>{escape(head)}</th>"
        f"<td style='text-align:left;overflow-wrap:anywhere'>{escape(text)}</td></tr>"
        for head, text in rows
    )
    below = "".join(f"<p>{escape(note)}</p>" for note in notes if note)
    title = f"<p><b>{escape(room)}</b>: {escape(sentence)}</p>"
    return f"<div>{title}<table>{drawn}</table>{below}</div>"


def rows_text(room: str, sentence: str, rows: Rows, notes: Iterable[str]) -> str:
    """Draw the same as lines of plain text."""
    lines = [f"  {head:<10} {text}" for head, text in rows]
    return "\n".join([f"Room {room}: {sentence}", *lines, *filter(None, notes)])


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
