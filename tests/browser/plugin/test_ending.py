"""However a test run of somebody ends, no browser and no server of it goes on."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest
from testing.runs import start_run, write_project

from pyodide_rtc.testing.browsers import eventually
from pyodide_rtc.testing.browsers.guard import descendants

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

# As soon as all is there a test says so, by a file, and then does not end by itself.
TESTS = """
    import time
    from pathlib import Path

    import pytest
    from pyodide_rtc.testing.browsers import open_browser

    @pytest.fixture(scope="session")
    def jupyterlite_site(tmp_path_factory):
        folder = tmp_path_factory.mktemp("site")
        (folder / "index.html").write_text("<h1>served</h1>")
        return folder

    def show(server, *drivers):
        for driver in drivers:
            driver.get(server.url)
            assert "served" in driver.page_source
        Path("is-there").touch()

    def test_for_ever(two_browsers, signaling_server):
        show(signaling_server, *two_browsers)
        while True:
            two_browsers[0].execute_script("return 1")

    @pytest.fixture(scope="module")
    def ada(signaling_server):
        with open_browser(name="Ada") as driver:
            show(signaling_server, driver)
            yield driver

    def test_whose_browser_stays(ada):
        time.sleep(1)  # so that its processes can be listed

    @pytest.fixture
    def late(ada):
        time.sleep(600)

    @pytest.mark.timeout(3)
    def test_whose_fixture_is_late(late):
        pass
"""


def is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def started(run: subprocess.Popen[str], folder: Path) -> list[int]:
    """Wait until all is there, and give the processes of the run: drivers, browsers, server."""
    eventually(lambda: (folder / "is-there").exists(), 60, "the browsers show the page")
    found = descendants(run.pid)
    assert len(found) > 6, "guards, drivers, browsers of several processes, and a server"
    return found


def left(pids: list[int]) -> list[int]:
    return [pid for pid in pids if is_there(pid)]


@pytest.mark.parametrize(
    ("number", "browser", "told"),
    [
        (signal.SIGINT, "both", "KeyboardInterrupt"),
        (signal.SIGTERM, "chromium", ""),
        (signal.SIGKILL, "both", ""),
    ],
)
def test_it_is_interrupted(number: signal.Signals, browser: str, told: str, tmp_path: Path) -> None:
    write_project(tmp_path, TESTS)
    with start_run(tmp_path, "-k", "for_ever", f"--rtc-browser={browser}") as run:
        pids = started(run, tmp_path)
        run.send_signal(number)
        said, _ = run.communicate(timeout=30)
    assert told in said
    eventually(lambda: left(pids) == [], 15, "all have ended")


@pytest.mark.parametrize("method", ["signal", "thread"])
def test_a_fixture_takes_too_long(method: str, tmp_path: Path) -> None:
    """By the thread, the whole run ends at once, and nothing of its code runs any more."""
    write_project(tmp_path, TESTS)
    with start_run(tmp_path, "-k", "whose", f"--timeout-method={method}") as run:
        pids = started(run, tmp_path)
        said, _ = run.communicate(timeout=60)
    assert "Timeout" in said
    if method == "signal":
        assert re.search(r"= 1 passed, .*1 error", said)
        assert "pyodide-rtc: what the browsers showed" in said
        [folder] = (tmp_path / ".pytest-rtc").iterdir()
        assert (folder / "Ada.png").read_bytes().startswith(b"\x89PNG")
        assert "served" in (folder / "Ada-page.json").read_text()
    eventually(lambda: left(pids) == [], 15, "all have ended")
