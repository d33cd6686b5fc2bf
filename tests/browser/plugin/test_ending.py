"""However a test run of somebody ends, no browser and no server of it goes on."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest
from harness.waiting import eventually
from testing.runs import start_run, write_project

from pyodide_rtc.testing.browsers.guard import descendants

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

# As soon as all is there the test says so, by a file, and then does not end by itself.
TESTS = """
    import time
    from pathlib import Path
    import pytest

    @pytest.fixture(scope="session")
    def jupyterlite_site(tmp_path_factory):
        folder = tmp_path_factory.mktemp("site")
        (folder / "index.html").write_text("<h1>served</h1>")
        return folder

    @pytest.fixture
    def shown(two_browsers, signaling_server):
        for driver in two_browsers:
            driver.get(signaling_server.url)
            assert "served" in driver.page_source
        Path("is-there").touch()
        return two_browsers

    def test_for_ever(shown):
        while True:
            shown[0].execute_script("return 1")
            time.sleep(0.1)

    @pytest.fixture
    def late(shown):
        time.sleep(600)

    def test_with_a_fixture_that_is_late(late):
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
    assert len(found) > 8, "two guards, drivers and browsers of several processes, and a server"
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


@pytest.mark.parametrize(("method", "test"), [("signal", "late"), ("thread", "for_ever")])
def test_it_takes_too_long(method: str, test: str, tmp_path: Path) -> None:
    write_project(tmp_path, TESTS)
    with start_run(tmp_path, "-k", test, "--timeout=15", f"--timeout-method={method}") as run:
        pids = started(run, tmp_path)
        said, _ = run.communicate(timeout=60)
    assert "Timeout" in said
    if method == "signal":
        folder = tmp_path / ".pytest-rtc"
        assert "pyodide-rtc: what the browsers showed" in said
        pictures = [path.name for path in sorted(folder.rglob("*.png"))]
        assert pictures == ["Ada.png", "Bob.png"]
        assert "served" in next(folder.rglob("Ada-page.json")).read_text()
    eventually(lambda: left(pids) == [], 15, "all have ended")
