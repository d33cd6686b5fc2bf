"""Widgets that are made for a room: a button, a log, a poll, an output, and `interact`.

`Room.share` shares any other ipywidget. Importing this needs ipywidgets, which nothing else of
pyodide-rtc does.
"""

try:
    import ipywidgets as _  # noqa: F401 - so that who lacks it reads what to do
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        "Widgets need ipywidgets, which is not installed. Run %pip install ipywidgets.",
        name=error.name,
    ) from None

from pyodide_rtc.widgets.button import Button, Click
from pyodide_rtc.widgets.interact import interact
from pyodide_rtc.widgets.log import Log, LogEntry
from pyodide_rtc.widgets.output import Output
from pyodide_rtc.widgets.poll import Poll

__all__ = ["Button", "Click", "Log", "LogEntry", "Output", "Poll", "interact"]


def __dir__() -> list[str]:
    return sorted(__all__)  # what completes code would show inner modules among it
