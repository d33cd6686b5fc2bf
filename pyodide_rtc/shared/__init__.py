"""Shared values that behave as Python's own: dicts, lists and texts that all in a room have.

Underneath are Yjs's Y.Map, Y.Array and Y.Text, as a stock page sees them. The package knows the
document only: no rooms, and no peers but by the origin of a transaction.
"""

from pyodide_rtc.shared.changes import Change, ValuesChanged
from pyodide_rtc.shared.plain_values import Plain, PlainDict, plain
from pyodide_rtc.shared.shared_list import SharedList
from pyodide_rtc.shared.shared_map import SharedMap
from pyodide_rtc.shared.shared_namespace import SharedNamespace
from pyodide_rtc.shared.shared_text import SharedText
from pyodide_rtc.shared.shared_value import SharedValue
from pyodide_rtc.shared.undo import UndoManager
from pyodide_rtc.shared.values import Values

__all__ = [
    "Change",
    "Plain",
    "PlainDict",
    "SharedList",
    "SharedMap",
    "SharedNamespace",
    "SharedText",
    "SharedValue",
    "UndoManager",
    "Values",
    "ValuesChanged",
    "plain",
]
