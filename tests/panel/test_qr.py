"""Our QR codes are read by somebody else's reader."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import zxingcpp

PACKAGE = Path(__file__).parents[2] / "pyodide_rtc"
LINK = "https://example.org/lab/index.html?room=physics-101&path=measurements/together.ipynb"

CAPACITIES = (
    14, 26, 42, 62, 84, 106, 122, 152, 180, 213, 251, 287, 331, 362, 412, 450, 504, 560, 624, 666,
    711, 779, 857, 911, 997, 1059, 1125, 1190, 1264, 1370, 1452, 1538, 1628, 1722, 1809, 1911, 1989,
    2099, 2213, 2331,
)  # fmt: skip
"""So many bytes a code holds by the standard, level M, by version from 1 on."""

MODULE_PIXELS = 4
QUIET_ZONE = 4
"""So many light modules are around a code by the standard."""

Modules = list[list[bool]] | None


def codes_of(texts: Iterable[str]) -> list[Modules]:
    """Draw texts by the panel's script, under Node."""
    run = """
    const { readFileSync } = await import("node:fs");
    const { texts, panel, uqr } = JSON.parse(readFileSync(0, "utf8"));
    const load = (path) => import(`data:text/javascript;base64,${readFileSync(path, "base64")}`);
    const [{ qrModules }, { encode }] = [await load(panel), await load(uqr)];
    console.log(JSON.stringify(texts.map((text) => qrModules(encode, text) ?? null)));
    """
    given = {
        "texts": [*texts],
        "panel": str(PACKAGE / "panel/panel.js"),
        "uqr": str(PACKAGE / "vendored/uqr/index.mjs"),
    }
    command = ["node", "--input-type=module", "--eval", run]
    done = subprocess.run(
        command, input=json.dumps(given), capture_output=True, text=True, timeout=50, check=True
    )
    codes: list[Modules] = json.loads(done.stdout)
    return codes


def read(modules: Modules) -> str:
    """Read a code as a camera sees it."""
    dark = np.array(modules, dtype=bool)
    is_quiet = np.ones_like(dark)
    is_quiet[QUIET_ZONE:-QUIET_ZONE, QUIET_ZONE:-QUIET_ZONE] = False
    assert not (dark & is_quiet).any()
    image = np.where(dark.repeat(MODULE_PIXELS, 0).repeat(MODULE_PIXELS, 1), 0, 255)
    [found] = zxingcpp.read_barcodes(image.astype(np.uint8), formats=zxingcpp.BarcodeFormat.QRCode)
    return str(found.text)


def test_each_version_is_read() -> None:
    """Each holds as much as the standard says, and no more."""
    texts = [(LINK + "/more" * 500)[:length] for length in CAPACITIES]
    codes = codes_of(texts)

    sizes = [len(code or ()) - 2 * QUIET_ZONE for code in codes]
    assert sizes == [17 + 4 * version for version in range(1, 41)]
    assert [read(code) for code in codes] == texts
    [next_size] = codes_of(["x" * (CAPACITIES[0] + 1)])
    assert len(next_size or ()) == 25 + 2 * QUIET_ZONE


@pytest.mark.parametrize("text", ["äöü €", "?room=%C3%A4&x=😀", "0", " ", "A" * 100])
def test_other_characters_are_read(text: str) -> None:
    assert [read(code) for code in codes_of([text])] == [text]


def test_what_is_partly_unreadable_is_read() -> None:
    [code] = codes_of([LINK])
    assert code is not None
    middle = len(code) // 2
    for row in code[middle : middle + 4]:
        row[middle : middle + 4] = [True] * 4

    assert read(code) == LINK


def test_what_is_too_long_has_no_code() -> None:
    assert codes_of(["x" * 2332, "ä" * 1166]) == [None, None]
