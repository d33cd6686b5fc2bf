"""Tracebacks of typed errors, as a notebook shows them: what to do first, and the user's own code.

The sentence of such an error says what to do. The frames of this package between it and the user's
code would only push it off the screen.
"""

from __future__ import annotations

import traceback
from types import TracebackType

_LEFT_OUT = ("pyodide_rtc", "collections", "contextlib")
"""The frames of this package, and of what Python calls it by: `with`, and methods of `list`."""


def short(error: BaseException) -> list[str]:
    """Return the lines that IPython shows for an error: its sentence, the user's frames, and both.

    Errors of this package that led to it are left out: they stay at its `__cause__`.
    """
    return [_title(error), *_format(_without_cause(error), _of_user(error.__traceback__))]


def full(error: BaseException) -> list[str]:
    """Return the lines that IPython shows for a fault of this package: its sentence, and all."""
    return [_title(error), *_format(error, error.__traceback__)]


def _title(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}\n"


def _without_cause(error: BaseException) -> BaseException:
    """Copy an error; what the user's code was handling when it came stays with it."""
    copied = type(error).__new__(type(error), *error.args)
    copied.__dict__.update(error.__dict__)
    cause, context = error.__cause__, error.__context__
    if cause is not None and not _is_ours(cause.__traceback__):
        copied.__cause__ = cause
    elif context is not None and not error.__suppress_context__:
        copied.__context__ = None if _is_ours(context.__traceback__) else context
    return copied


def _of_user(frames: TracebackType | None) -> TracebackType | None:
    """Leave out the frames of this package."""
    if frames is None:
        return None
    rest = _of_user(frames.tb_next)
    if _is_ours(frames):
        return rest
    return TracebackType(rest, frames.tb_frame, frames.tb_lasti, frames.tb_lineno)


def _is_ours(frames: TracebackType | None) -> bool:
    """Return whether a traceback begins in this package."""
    module = "pyodide_rtc" if frames is None else frames.tb_frame.f_globals.get("__name__", "")
    return module.partition(".")[0] in _LEFT_OUT


def _format(error: BaseException, frames: TracebackType | None) -> list[str]:
    from IPython import get_ipython  # only IPython asks for this

    shell = get_ipython()
    if shell is None:
        return traceback.format_exception(type(error), error, frames)
    lines: list[str] = shell.InteractiveTB.structured_traceback(type(error), error, frames)
    return lines
