"""Importing does nothing that could be noticed: seen in a fresh interpreter."""

from __future__ import annotations

import subprocess
import sys
import textwrap


def run(code: str) -> str:
    """Run code in a fresh interpreter and give what it prints."""
    done = subprocess.run(
        [sys.executable, "-B", "-W", "error", "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout


def test_nothing_is_opened_started_or_written() -> None:
    noticed = run(
        """
        import sys
        # What we stand on may do at its import what it likes.
        import asyncio, logging, pycrdt, uuid, urllib.parse, concurrent.futures

        FORBIDDEN = ("socket.", "subprocess.", "os.fork", "os.exec", "os.system", "os.putenv",
                     "os.mkdir", "os.remove", "os.rename", "_thread.start", "ctypes.", "signal.")
        noticed = []

        def hook(event, arguments):
            writes = event == "open" and any(c in str(arguments[1]) for c in "wax+")
            if writes or event.startswith(FORBIDDEN):
                noticed.append((event, arguments))

        sys.addaudithook(hook)
        import pyodide_rtc
        print(noticed)
        """
    )

    assert noticed == "[]\n"


def test_the_hook_would_notice() -> None:
    noticed = run(
        """
        import sys
        noticed = []
        sys.addaudithook(lambda event, arguments: noticed.append(event))
        import socket
        socket.socket().close()
        print("socket.__new__" in noticed)
        """
    )

    assert noticed == "True\n"


def test_no_loop_thread_or_task_is_made() -> None:
    made = run(
        """
        import asyncio, threading
        made = []
        policy = type(asyncio.get_event_loop_policy())
        for name in ("new_event_loop", "set_event_loop", "get_event_loop"):
            setattr(policy, name, lambda *a, name=name: made.append(name))
        asyncio.create_task = asyncio.ensure_future = lambda *a, **k: made.append("task")
        import pyodide_rtc
        print(made, threading.active_count())
        """
    )

    assert made == "[] 1\n"


def test_logging_is_left_alone_but_for_a_null_handler() -> None:
    seen = run(
        """
        import logging
        before = (list(logging.root.handlers), logging.root.level, logging.root.disabled)
        import pyodide_rtc
        print(before == (list(logging.root.handlers), logging.root.level, logging.root.disabled))
        logger = logging.getLogger("pyodide_rtc")
        print([type(h).__name__ for h in logger.handlers], logger.level, logger.propagate)
        """
    )

    assert seen == "True\n['NullHandler'] 0 True\n"


def test_nothing_of_a_browser_and_no_patch() -> None:
    seen = run(
        """
        import sys, builtins, asyncio
        import pycrdt
        before = {m: dict(vars(m)) for m in (builtins, asyncio, pycrdt)}
        hooks = (sys.excepthook, sys.displayhook, list(sys.meta_path), list(sys.path_hooks))
        import pyodide_rtc
        print([m.__name__ for m, names in before.items() if dict(vars(m)) != names])
        print(hooks == (sys.excepthook, sys.displayhook, list(sys.meta_path), list(sys.path_hooks)))
        print([m for m in ("js", "pyodide", "IPython", "anywidget", "ipywidgets", "aiohttp")
               if m in sys.modules])
        """
    )

    assert seen == "[]\nTrue\n[]\n"


def test_outside_of_a_browser_join_says_so() -> None:
    said = run(
        """
        import asyncio, pyodide_rtc

        async def main():
            room = pyodide_rtc.join("demo")
            try:
                await room.until_synced(5)
            except pyodide_rtc.BrowserUnsupportedError as error:
                print(error)

        asyncio.run(main())
        """
    )

    assert "JupyterLite" in said


def test_logging_is_shown_on_demand_and_once() -> None:
    seen = run(
        """
        import logging, pyodide_rtc
        pyodide_rtc.enable_logging("DEBUG")
        pyodide_rtc.enable_logging()
        logger = logging.getLogger("pyodide_rtc")
        print(sorted(type(h).__name__ for h in logger.handlers), logger.level)
        """
    )

    assert seen == "['NullHandler', 'StreamHandler'] 20\n"
