"""pyodide-rtc in the pages and workers that pytest-pyodide opens, for `@run_in_pyodide`."""

from __future__ import annotations

import base64
import os
import shutil
import sys
import zipfile
from collections.abc import Iterable
from importlib.util import find_spec
from io import BytesIO
from pathlib import Path
from typing import Any

from pyodide_rtc.testing.browsers.drivers import CHROMIUM_FLAGS
from pyodide_rtc.testing.browsers.errors import SiteError
from pyodide_rtc.testing.browsers.notebook import run_async

__all__ = ["install", "set_up", "site_wheels", "unpack"]

_HOST_SCRIPT = Path(__file__).parents[2] / "browser/host.js"
_WHEELS = "share/jupyter/labextensions/pyodide-rtc-site/static/pypi"
_UNPACK = """
    const bytes = Uint8Array.from(atob("{data}"), (letter) => letter.charCodeAt(0));
    pyodide.unpackArchive(bytes, "wheel");
"""
_EXTRACT = """
    import base64, io, sysconfig, zipfile
    packed = io.BytesIO(base64.b64decode("{data}"))
    zipfile.ZipFile(packed).extractall(sysconfig.get_path("purelib"))
"""
_ATTACH = """
    const [source] = arguments;
    const host = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    host.attachWorker(self.__worker);
"""


def set_up(*flags: str) -> None:
    """Give pytest-pyodide the flags and the driver of `open_browser`, before it opens a browser.

    Args:
        flags: more of them, for Chromium.
    """
    from pytest_pyodide import get_global_config

    get_global_config().set_flags("chrome", ["--headless=new", *CHROMIUM_FLAGS, *flags])
    if found := shutil.which("chromedriver"):  # else Selenium looks for one on the network
        os.environ.setdefault("SE_CHROMEDRIVER", found)


def site_wheels() -> list[Path]:
    """Give the wheels of pyodide-rtc, and of what it needs, for Pyodide.

    Raises:
        SiteError: `pyodide-rtc[site]` is not installed here.
    """
    wheels = sorted(Path(sys.prefix, _WHEELS).glob("*.whl"))
    if not wheels:
        raise SiteError(
            "The wheels for Pyodide are not installed", "Run `pip install 'pyodide-rtc[site]'`."
        )
    return wheels


def install(selenium: Any, wheels: Iterable[Path]) -> None:
    """Put wheels where a page or worker of pytest-pyodide imports from, and let it join rooms.

    Args:
        selenium: what its fixtures `selenium` and `selenium_worker` give.
        wheels: those of `site_wheels`, and yours.
    """
    unpack(selenium, wheels)
    if selenium.driver.execute_script("return self.__worker != null"):
        run_async(selenium.driver, _ATTACH, _HOST_SCRIPT.read_text())


def unpack(selenium: Any, wheels: Iterable[Path]) -> None:
    """Put wheels where a page or worker of pytest-pyodide imports from.

    Args:
        selenium: as for `install`.
        wheels: as for `install`.
    """
    for wheel in wheels:
        selenium.run_js(_UNPACK.format(data=_as_text(wheel.read_bytes())))
    selenium.run(_EXTRACT.format(data=_as_text(_tracebacks())))


def _tracebacks() -> bytes:
    """Give the package by which pytest-pyodide brings tracebacks along, as it is installed here.

    Pyodide's whole distribution has it; a folder that was made for a site may not.
    """
    spec = find_spec("tblib")
    assert spec is not None and spec.origin is not None, "pytest-pyodide needs it"
    package = Path(spec.origin).parent
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path in package.glob("*.py"):
            archive.write(path, f"tblib/{path.name}")
    return packed.getvalue()


def _as_text(data: bytes) -> str:
    return base64.b64encode(data).decode()
