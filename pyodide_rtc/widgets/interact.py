"""A function with widgets for its arguments, which all in a room share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import ipywidgets

from pyodide_rtc.observers import check_callback

if TYPE_CHECKING:
    from pyodide_rtc.room import Room


def interact(
    function: Callable[..., object], /, *, room: Room, name: str | None = None, **arguments: Any
) -> Any:
    """Call a function each time when somebody in the room changes one of its arguments.

    Each notebook calls its own function, and shows its own result; the arguments are shared.

    Example:
        >>> from pyodide_rtc.widgets import interact
        >>> interact(lambda n: print("*" * n), n=(0, 20), room=room, name="stars")

    Args:
        function: what is called.
        room: the room.
        name: the name in the room under which the widgets are shared; by default the function's.
        **arguments: what `ipywidgets.interactive` takes for the arguments of the function: a pair
            for a slider, a list for a choice, a widget, and so on.

    Returns:
        an `ipywidgets.interactive`: a box of the widgets and the output. It is displayed if it is
        the last value of a cell.

    Raises:
        ConfigError: the function cannot be called.
        ValueRefusedError: a widget cannot be shared.
        NameInUseError: others have a widget of another type for an argument.
        RoomClosedError: the room was left.
    """
    check_callback(function)
    made = ipywidgets.interactive(function, **arguments)
    under = name or function.__name__
    for argument, widget in zip(made.kwargs, made.kwargs_widgets, strict=True):
        if isinstance(widget, ipywidgets.Widget):  # else it is fixed
            room.share(widget, f"{under}/{argument}")
    return made
