"""Takes the README's picture: two browsers with one notebook, side by side.

make picture
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "browser")]

from harness.browsers import open_browser  # noqa: E402 - harness is not a package that is installed
from harness.served import serve_site  # noqa: E402
from harness.site import SITE, exposed_copy  # noqa: E402
from harness.together import Desk  # noqa: E402
from harness.waiting import eventually  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402

PATH = "together.ipynb"
PEOPLE = (("Ada", "e65100"), ("Bob", "1565c0"))
SIZE = (760, 560)
PAGE = """<!doctype html>
<body style="margin:0;display:inline-flex;gap:12px;padding:12px;background:#cfd8dc">
  <img src="{0}" style="width: 760px; height: auto; box-shadow: 0 2px 8px #0006">
  <img src="{1}" style="width: 760px; height: auto; box-shadow: 0 2px 8px #0006">
</body>
"""


def main() -> None:
    target = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        server = stack.enter_context(
            serve_site(exposed_copy(SITE, Path(folder, "site"), is_coedited=True))
        )
        desks = []
        for name, color in PEOPLE:
            driver = stack.enter_context(open_browser("chromium"))
            driver.set_window_size(*SIZE)
            desks.append(Desk(driver, server, name))
            desks[-1].go(PATH, "demo", "notebooks", usercolor=color)
        for desk in desks:
            desk.wait_shown()
            desk.wait_company()
            desk.wait_kernel()
        ada, bob = desks
        ada.run_cell(2)
        eventually(lambda: bob.outputs(2), 60, "what came out is at Bob's")
        ada.write(4, "  # typed by Ada")
        bob.eventually("cells", ada.cells)
        bob.write(2, "  # and by Bob")
        ada.eventually("cells", bob.cells)
        bob.cell(4)  # brings it to where it can be seen
        eventually(lambda: "Ada" in bob.flags, 10, "Ada's name")
        shots = [Path(folder, f"{desk.name}.png") for desk in desks]
        for desk, shot in zip(desks, shots, strict=True):
            desk.driver.save_screenshot(str(shot))
        page = Path(folder, "page.html")
        page.write_text(PAGE.format(*(shot.as_uri() for shot in shots)))
        ada.driver.set_window_size(2 * SIZE[0] + 60, SIZE[1] + 200)
        ada.driver.get(page.as_uri())
        body = ada.driver.find_element(By.TAG_NAME, "body")
        target.write_bytes(body.screenshot_as_png)
    print(f"picture: {target}, {target.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
