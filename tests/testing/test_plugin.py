"""The pytest plugin, as far as it needs no browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import pytest_pyodide_rtc

from .runs import start_run, write_project

REPOSITORY = Path(__file__).parents[2]


def run(folder: Path, *arguments: str, **environment: str) -> str:
    """Run the project to its end, and give what pytest says."""
    with start_run(folder, *arguments, **environment) as running:
        return running.communicate(timeout=50)[0]


def test_it_costs_nothing_where_it_is_not_used(tmp_path: Path) -> None:
    write_project(
        tmp_path,
        """
        import sys

        def test_nothing_is_imported():
            assert not {"pyodide_rtc", "pycrdt", "selenium"} & set(sys.modules)
            assert "pytest_pyodide_rtc" in sys.modules

        def test_a_failure_of_another_kind():
            assert not "told as ever"
        """,
    )
    said = run(tmp_path)
    assert "1 failed, 1 passed" in said
    assert "pyodide-rtc" not in said
    assert not (tmp_path / ".pytest-rtc").exists()


def test_the_options_of_the_site_are_those_of_the_ini_file(tmp_path: Path) -> None:
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/lamp-1.0-py3-none-any.whl").touch()
    (tmp_path / "lessons").mkdir()
    write_project(
        tmp_path,
        """
        from pathlib import Path

        HERE = Path(__file__).parent

        def test_options(jupyterlite_site_options):
            found = jupyterlite_site_options
            assert found.wheels == [HERE / "dist/lamp-1.0-py3-none-any.whl", HERE]
            assert found.packages == ["anywidget", "psygnal"]
            assert found.notebooks == HERE / "lessons"
            assert found.pyodide == HERE / "elsewhere"
        """,
        """
        rtc_wheels = dist/*.whl .
        rtc_packages = anywidget psygnal
        rtc_notebooks = lessons
        rtc_pyodide = not-this-one
        """,
    )
    assert "1 passed" in run(tmp_path, "--rtc-pyodide=elsewhere")


USES_BROWSERS = "def test_browsers(two_browsers): pass"
USES_SITE = "def test_site(jupyterlite_site): pass"


@pytest.mark.parametrize(
    ("tests", "ini", "path", "error", "remedy"),
    [
        (USES_BROWSERS, "", "", "BrowserMissingError: No chromium is on PATH", "chromium-driver"),
        (USES_BROWSERS, "rtc_browser = firefox", "", "No firefox is on PATH", "geckodriver"),
        (USES_BROWSERS, "rtc_browser = opera", "", "rtc_browser is 'opera'", "not one of"),
        (USES_SITE, "", "", "SiteError: A site needs jupyterlite-core", "Run `pip install jup"),
        (USES_SITE, "rtc_notebooks = no", "", "There is no folder", "Set `rtc_notebooks`"),
        (USES_SITE, "rtc_wheels = no/*.whl", "", "nothing is found by", "no/*.whl"),
    ],
)
def test_what_is_missing_is_told_with_what_to_do(
    tests: str, ini: str, path: str, error: str, remedy: str, tmp_path: Path
) -> None:
    write_project(tmp_path, tests, ini)
    said = run(tmp_path, PATH=path)
    assert "1 error" in said
    assert error in said
    assert remedy in said


def test_a_browser_that_is_unknown_is_refused(tmp_path: Path) -> None:
    write_project(tmp_path, USES_BROWSERS)
    assert "invalid choice: 'opera'" in run(tmp_path, "--rtc-browser=opera")


def test_the_fixtures_are_those_that_the_page_names() -> None:
    page = (REPOSITORY / "docs/testing.md").read_text()
    source = Path(pytest_pyodide_rtc.__file__).read_text()
    fixtures = re.findall(r"^@pytest\.fixture.*\ndef ([a-z]\w+)", source, re.MULTILINE)
    options = re.findall(r'"(--rtc-[a-z]+)"', source)
    settings = re.findall(r'addini\("(\w+)"', source)
    assert len(fixtures) == 6
    for name in {*fixtures, *options, *settings}:
        assert f"`{name}" in page, name
