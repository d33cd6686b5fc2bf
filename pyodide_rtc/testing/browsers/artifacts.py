"""What is kept of the open browsers when a test fails: pictures, consoles, pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.remote.webdriver import WebDriver
from urllib3.exceptions import HTTPError

from pyodide_rtc.testing.browsers.drivers import open_browsers

__all__ = ["keep_artifacts"]

_PAGE = """
    const panel = window.jupyterapp?.shell.currentWidget;
    const cells = panel?.content?.model?.sharedModel?.cells ?? [];
    return {
        address: location.href,
        text: document.body.innerText,
        kernel: panel?.sessionContext?.session?.kernel?.status,
        cells: [...cells].map((cell) => cell.toJSON()),
    };
"""


def keep_artifacts(folder: Path) -> list[Path]:
    """Save what all browsers that are open show.

    Args:
        folder: is made; has the name of each browser's user in the names of its files.

    Returns:
        the files. Where a browser is gone, one says so.
    """
    kept = []
    folder.mkdir(parents=True, exist_ok=True)
    for driver, name in open_browsers().items():
        for ending, write in _WRITERS.items():
            path = folder / f"{name}{ending}"
            try:
                write(driver, path)
            except (WebDriverException, HTTPError, OSError) as error:
                path = folder / f"{name}{ending}.failed.txt"
                path.write_text(f"{type(error).__name__}: {error}")
            if path.exists():
                kept.append(path)
    return kept


def _picture(driver: WebDriver, path: Path) -> None:
    driver.save_screenshot(str(path))


def _console(driver: WebDriver, path: Path) -> None:
    if driver.name != "firefox":  # its driver does not tell
        entries = driver.get_log("browser")  # type: ignore[attr-defined]
        path.write_text("\n".join(f"{entry['level']} {entry['message']}" for entry in entries))


def _page(driver: WebDriver, path: Path) -> None:
    path.write_text(json.dumps(driver.execute_script(_PAGE), indent=1, ensure_ascii=False))


_WRITERS: dict[str, Callable[[WebDriver, Path], None]] = {
    ".png": _picture,
    "-console.txt": _console,
    "-page.json": _page,
}
