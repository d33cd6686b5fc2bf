"""The name and the colour that a page's user shows."""

from __future__ import annotations

import re
from urllib.parse import urlencode

import pytest

from pyodide_rtc.identity import (
    ADJECTIVES,
    ANIMALS,
    COLORS,
    color_fault,
    jupyter_identity,
    page_user,
)
from pyodide_rtc.looks import MAX_NAME_CHARS
from pyodide_rtc.ports import PageFacts

PAGE = "https://example.org/lab/index.html"


def luminance(color: str) -> float:
    """WCAG 2.2, relative luminance."""

    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(color[i : i + 2], 16) / 255) for i in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


class TestNames:
    def test_the_address_comes_first(self) -> None:
        page = PageFacts(f"{PAGE}?username=Ada%20L.", user_name="Bob", browser_id="x")

        assert page_user(page)["name"] == "Ada L."

    def test_then_jupyterlites_own_user(self) -> None:
        assert page_user(PageFacts(PAGE, user_name="Bob", browser_id="x"))["name"] == "Bob"

    def test_then_the_one_that_was_given_in_this_browser(self) -> None:
        given = {"kept_name": "Eve", "kept_color": "#e65100", "browser_id": "x"}

        assert page_user(PageFacts(PAGE, **given)) == {"name": "Eve", "color": "#e65100"}
        site = PageFacts(PAGE, user_name="Bob", user_color="#00ff00", **given)
        assert page_user(site) == {"name": "Bob", "color": "#00ff00"}
        address = PageFacts(f"{PAGE}?username=Ada", **given)
        assert page_user(address) == {"name": "Ada", "color": "#e65100"}
        assert page_user(PageFacts(PAGE, kept_name="Eve"))["name"] == "Eve"

    @pytest.mark.parametrize(
        ("written", "shown"),
        [
            ("  Ada \t L.  ", "Ada L."),
            ("Ada\n\x1b[2J\u202eL.", "Ada [2J L."),
            ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>"),
            ("x" * 1000, "x" * MAX_NAME_CHARS),
            ("😀" * 61, "😀" * 60),
        ],
    )
    def test_a_name_is_one_line_of_text(self, written: str, shown: str) -> None:
        for facts in (
            PageFacts(PAGE, kept_name=written),
            PageFacts(PAGE, user_name=written),
            PageFacts(f"{PAGE}?{urlencode({'username': written})}"),
        ):
            assert page_user(facts)["name"] == shown

    @pytest.mark.parametrize("empty", ["", " ", "\u200b\n"])
    def test_a_name_of_which_nothing_is_seen_is_none(self, empty: str) -> None:
        pleasant = page_user(PageFacts(PAGE, browser_id="x"))
        assert page_user(PageFacts(PAGE, kept_name=empty, browser_id="x")) == pleasant
        assert page_user(PageFacts(PAGE, kept_name=empty)) == {}

    def test_then_an_adjective_and_an_animal_the_same_each_time(self) -> None:
        pages = [PageFacts(f"{PAGE}?username=", browser_id=str(i)) for i in range(2000)]
        names = [str(page_user(page)["name"]) for page in pages]

        assert names == [page_user(page)["name"] for page in pages]
        adjectives, animals = zip(*(name.split(" ") for name in names), strict=True)
        assert set(adjectives) == set(ADJECTIVES)
        assert set(animals) == set(ANIMALS)
        assert len(set(names)) > 800, "of 1,024, by chance, 879"

    def test_no_page_no_user(self) -> None:
        assert page_user(PageFacts(PAGE)) == {}
        assert page_user(PageFacts(f"{PAGE}?usercolor=e65100", user_color="#e65100")) == {}


class TestColors:
    @pytest.mark.parametrize(
        ("written", "color"),
        [
            ("e65100", "#e65100"),
            ("%23E65100", "#e65100"),
            ("fa0", "#ffaa00"),
        ],
    )
    def test_the_address_comes_first(self, written: str, color: str) -> None:
        page = PageFacts(f"{PAGE}?usercolor={written}", user_color="#000000", browser_id="x")

        assert page_user(page)["color"] == color
        assert color_fault(page) is None

    @pytest.mark.parametrize("written", ["red", "12345", "url(https://x)", "e65100;top:0", "%23"])
    def test_what_is_none_is_told_and_passed_over(self, written: str) -> None:
        page = PageFacts(f"{PAGE}?usercolor={written}", user_color="#00FF00", browser_id="x")
        fault = color_fault(page)

        assert page_user(page)["color"] == "#00ff00"
        assert fault is not None
        assert "usercolor=e65100" in str(fault)

    @pytest.mark.parametrize("color", [None, "", "var(--jp-brand-color1)", "rgb(1, 2, 3)"])
    def test_without_any_it_is_one_of_ours(self, color: str | None) -> None:
        page = PageFacts(PAGE, user_color=color, browser_id="x")

        assert page_user(page)["color"] in COLORS
        assert color_fault(page) is None

    def test_it_stays_when_the_name_changes(self) -> None:
        colors = {
            page_user(PageFacts(f"{PAGE}?username={name}", browser_id="x"))["color"]
            for name in ("Ada", "Bob", "Eve", "")
        }

        assert len(colors) == 1

    def test_where_the_browser_keeps_nothing_it_follows_from_the_name(self) -> None:
        colors = {page_user(PageFacts(f"{PAGE}?username=user{i}"))["color"] for i in range(200)}

        assert colors == set(COLORS)

    @pytest.mark.parametrize("color", COLORS)
    def test_ours_are_read_on_white_and_on_black(self, color: str) -> None:
        assert re.fullmatch("#[0-9a-f]{6}", color)
        assert 1.05 / (luminance(color) + 0.05) >= 4.5
        assert (luminance(color) + 0.05) / 0.05 >= 4.5


class TestJupyterIdentity:
    def test_name_and_color_are_those_of_rooms(self) -> None:
        facts = PageFacts("https://example.org/?username=Ada+L.&usercolor=fff", browser_id="b")
        told = jupyter_identity(facts, bytes)
        assert {**told, "username": ""} == {
            "username": "",
            "name": "Ada L.",
            "display_name": "Ada L.",
            "initials": "AL",
            "color": "#ffffff",
        }
        made_up = jupyter_identity(PageFacts("https://x/", browser_id="b"), bytes)
        assert made_up["name"] == page_user(PageFacts("https://x/", browser_id="b"))["name"]

    def test_the_user_name_is_the_browsers_and_tells_nothing(self) -> None:
        def username(browser_id: str | None, random: bytes = b"") -> str:
            facts = PageFacts("https://example.org/?username=Ada", browser_id=browser_id)
            return jupyter_identity(facts, lambda _: random)["username"]

        assert username("secret") == username("secret")
        assert "secret" not in username("secret")
        assert username("secret") != username("other")
        assert username(None, b"1") != username(None, b"2")
