"""Which traits of a widget are shared: what people change by using it.

What the code says (bounds, options, descriptions, looks) stays with the code of each notebook. Who
runs a changed cell again would not understand why the room's old bounds win.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import ipywidgets

from pyodide_rtc.errors import ValueRefusedError

OF_SELECTIONS = "label"
"""What is shared of a choice. Its index means another option where the options are others, and its
value may be any object."""

_SHOWN_ONLY = (
    ipywidgets.Label,
    ipywidgets.HTML,
    ipywidgets.HTMLMath,
    ipywidgets.IntProgress,
    ipywidgets.FloatProgress,
    ipywidgets.Valid,
    ipywidgets.Image,
    ipywidgets.Audio,
    ipywidgets.Video,
)

_HTML = "it is shown as HTML, and what comes from others never is"

_REMEDIES: dict[type[Any], str] = {
    ipywidgets.Button: "Use pyodide_rtc.widgets.Button: its clicks count for everybody.",
    ipywidgets.Output: "Use pyodide_rtc.widgets.Output: its text is shared.",
    ipywidgets.HTML: "Use a Label, or pyodide_rtc.widgets.Output.",
    ipywidgets.HTMLMath: "Use a Label: it shows formulas as well.",
}


class SharesItself:
    """Marks the widgets of this package, which share what they have by themselves."""


def kind_of(widget: Any) -> str:
    """Return the type by which peers compare what they have under one name."""
    return str(type(widget).__qualname__)


def check_widget(widget: object, where: str) -> None:
    """Check that something is a widget.

    Raises:
        ValueRefusedError: it is none, or shares itself.
    """
    if isinstance(widget, SharesItself):
        what = f"a {type(widget).__name__} is shared already, by the name that it was made with"
        raise ValueRefusedError(where, what, "Leave this out.")
    if not isinstance(widget, ipywidgets.Widget):
        what = f"a value of type {type(widget).__name__} is no widget"
        raise ValueRefusedError(where, what, "Give an ipywidget, such as widgets.IntSlider().")


def own_traits(widget: Any) -> tuple[str, ...]:
    """Return the traits that are shared by default, sorted.

    Of ipywidgets' own classes it is what people change by using them. Of classes that somebody else
    has written, it is also each public trait that goes to the page and back.
    """
    found = {name for name in widget.traits(sync=True) if _is_of_others(widget, name)}
    if not isinstance(widget, (ipywidgets.Button, ipywidgets.Output)):
        found.update(name for name in ("value", "selected_index") if _is_synced(widget, name))
    if hasattr(widget, "options") and widget.has_trait(OF_SELECTIONS):
        found.add(OF_SELECTIONS)
    return tuple(sorted(name for name in found if _refusal(widget, name) is None))


def checked_traits(widget: Any, wanted: Iterable[str] | None, where: str) -> tuple[str, ...]:
    """Return the traits that are to be shared.

    Args:
        widget: the widget.
        wanted: what a user asked for; None for `own_traits`.
        where: what the user has called it, for the error.

    Raises:
        ValueRefusedError: one of them cannot be shared, or there is none.
    """
    if wanted is None:
        found = own_traits(widget)
        if not found and not isinstance(widget, ipywidgets.Box):
            what = f"a {kind_of(widget)} has no trait that can be shared"
            remedies = [_REMEDIES[base] for base in type(widget).__mro__ if base in _REMEDIES]
            raise ValueRefusedError(where, what, (remedies or ["Name some by traits=."])[0])
        return found
    if not isinstance(wanted, Iterable):
        raise ValueRefusedError(where, f"{wanted!r} are no names of traits", 'Give ["value"].')
    names = tuple(dict.fromkeys([wanted] if isinstance(wanted, str) else wanted))
    for name in names:
        if (refusal := _refusal(widget, name)) is not None:
            what = f"the trait {name!r} of a {kind_of(widget)} cannot be shared: {refusal}"
            raise ValueRefusedError(where, what, f"Can be shared: {', '.join(_able(widget))}.")
    return names


def is_text(widget: Any, name: str) -> bool:
    """Return whether a trait is a text that people type: it is merged character by character."""
    is_typed = isinstance(widget, (ipywidgets.Text, ipywidgets.Textarea))
    return is_typed and name == "value" and not isinstance(widget, ipywidgets.Combobox)


def is_shared_in_a_box(child: Any) -> bool:
    """Return whether a child of a box is shared with it: if people can change it."""
    if isinstance(child, (SharesItself, *_SHOWN_ONLY)):
        return False
    return isinstance(child, ipywidgets.Box) or bool(own_traits(child))


def _able(widget: Any) -> list[str]:
    return sorted({n for n in widget.traits() if _is_synced(widget, n)} | {*own_traits(widget)})


def _is_synced(widget: Any, name: str) -> bool:
    trait = widget.traits().get(name)
    return trait is not None and trait.metadata.get("sync", False) and not _refusal(widget, name)


def _is_of_others(widget: Any, name: str) -> bool:
    module = widget.traits()[name].this_class.__module__
    return module.partition(".")[0] not in ("ipywidgets", "anywidget")


def _refusal(widget: Any, name: object) -> str | None:
    """Return why a trait cannot be shared; None if it can."""
    trait = widget.traits().get(name)
    if trait is None:
        return "there is no such trait"
    assert isinstance(name, str), "traits have texts for names"
    if name.startswith("_") or name in ("comm", "keys", "log"):
        return "it belongs to the widget's own making"
    if trait.read_only:
        return "it is read-only"
    if trait.metadata.get("to_json") is ipywidgets.widget_serialization["to_json"]:
        return "it has widgets"
    return _HTML if _is_html(widget, name) else None


def _is_html(widget: Any, name: str) -> bool:
    match name:
        case "value":
            return isinstance(widget, (ipywidgets.HTML, ipywidgets.HTMLMath))
        case "outputs" | "msg_id":
            return isinstance(widget, ipywidgets.Output)
        case "description":
            return bool(getattr(widget, "description_allow_html", False))
        case "description_allow_html":
            return True
    return False
