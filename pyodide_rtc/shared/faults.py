"""What pycrdt raises, in words that help."""

from __future__ import annotations

import re

from pyodide_rtc.errors import InternalError, SharedValueError, TransactionError
from pyodide_rtc.yrs import is_panic

IN_OBSERVER = (
    "The document is inside an observer of pycrdt",
    "Write after it has returned, or use observe() of a shared value.",
)


def typed(error: BaseException) -> BaseException:
    """Return an error, or ours in place of one that pycrdt raises for how it was used."""
    made: BaseException = error
    if is_panic(error):
        made = InternalError.of("the document", error)
    elif isinstance(error, RecursionError):
        made = SharedValueError("A value nests too deep to be read", "Remove it with pycrdt.")
        made.__cause__ = error
    elif type(error) is RuntimeError and re.search("borrow|ransaction", str(error)):
        made = TransactionError(*IN_OBSERVER)
        made.__cause__ = error
    return made
