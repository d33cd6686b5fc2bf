"""Every reference to a page leads to a file of this repository, and to the place that it names.

The forms that are read, in code and in pages:

- `x.md`, looked for beside the file, in the root and in docs/,
- `x.md section 2`, `x.md sections 2 and 5`: headings such as `## 2. What peers publish`,
- `x.md, decision 4`: an item of the numbered list below the heading `## Decisions`.

In pages also the links of Markdown, to whatever file, with `#anchors` as GitHub makes them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
FOLDERS = ("pyodide_rtc", "docs", "tests", "recipes", "demo-site")
SUFFIXES = {".py", ".js", ".mjs", ".md", ".toml", ".yaml"}
BUILT = ("_output", "build", "node_modules")

GAP = r"[\s#*]+"  # a reference may go on in the next line of a comment
NUMBERS = rf"\d+(?:(?:,|{GAP}and){GAP}\d+)*"
# A name in quotes is a value of the code: not a reference.
REFERENCE = re.compile(
    rf"(?<![\w/\"'.-])(?P<page>[\w./-]*\w\.md)\b"
    rf"(?:,?{GAP}(?P<kind>section|decision)s?{GAP}(?P<numbers>{NUMBERS}))?"
)
LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")


def sources() -> list[Path]:
    """All files that may refer to a page: not what is built, and not the examples below."""
    inside = [path for folder in FOLDERS for path in (REPOSITORY / folder).rglob("*")]
    return [
        path
        for path in sorted([*REPOSITORY.iterdir(), *inside])
        if path.suffix in SUFFIXES or path.name == "Makefile"
        if not any(part.startswith(BUILT) for part in path.relative_to(REPOSITORY).parts[:-1])
        if path != Path(__file__)
    ]


def prose(page: str) -> str:
    """Leave out blocks of code, where `#` begins a comment and `[]()` is no link."""
    return re.sub(r"^ *```.*?^ *```", "", page, flags=re.DOTALL | re.MULTILINE)


def headings(page: str) -> list[str]:
    return re.findall(r"^#+ +(.*?) *$", prose(page), re.MULTILINE)


def anchors(page: str) -> set[str]:
    """Give the anchors of the headings, as GitHub makes them."""
    made: Counter[str] = Counter()
    found = set()
    for heading in headings(page):
        text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        anchor = re.sub(r"[^\w -]", "", text.lower()).replace(" ", "-")
        found.add(f"{anchor}-{made[anchor]}" if made[anchor] else anchor)
        made[anchor] += 1
    return found


def numbered(page: str, kind: str) -> set[str]:
    """Give the numbers of a page's sections, or those of its decisions."""
    if kind == "section":
        return {n for heading in headings(page) for n in re.findall(r"^(\d+)\. ", heading)}
    decisions = re.search(r"^## Decisions.*?\n(.*?)(?=^## |\Z)", page, re.DOTALL | re.MULTILINE)
    return set(re.findall(r"^(\d+)\. ", decisions[1], re.MULTILINE)) if decisions else set()


def found(name: str, *folders: Path) -> Path | None:
    """Look for a file in these folders."""
    return next((folder / name for folder in folders if (folder / name).exists()), None)


def broken_references(text: str, folder: Path) -> Iterator[str]:
    """Give the references of a text that lead nowhere."""
    for match in REFERENCE.finditer(text):
        page = found(match["page"], folder, REPOSITORY, REPOSITORY / "docs")
        if page is None:
            yield match["page"]
        elif match["kind"]:
            there = numbered(page.read_text(), match["kind"])
            wanted = re.findall(r"\d+", match["numbers"])
            yield from (f"{page.name} {match['kind']} {n}" for n in wanted if n not in there)


def broken_links(text: str, path: Path) -> Iterator[str]:
    """Give the links of a page that lead nowhere; those to other sites are not followed."""
    for target in LINK.findall(prose(text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        page = path.parent / name if name else path
        if not page.exists() or (anchor and anchor not in anchors(page.read_text())):
            yield target


def broken(path: Path) -> list[str]:
    text = path.read_text()
    if path.suffix != ".md":
        return [*broken_references(text, path.parent)]
    text_alone = LINK.sub("", prose(text))
    return [*broken_links(text, path), *broken_references(text_alone, path.parent)]


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_every_reference_leads_somewhere(path: Path) -> None:
    assert broken(path) == []


PAGE = """# Title

[file](code.py), [this](#title), [that](page.md#a-heading-with-code-and-link), other.md,
[twice](#twice-1), [site](https://example.org/nowhere.md), `.md`, other.md sections 1 and 2,
other.md,
decision 2, docs/wire.md

```sh
# no heading: [no link](nowhere.py)
```

## A heading, with `code` and [link](code.py)

## Twice

## Twice
"""
OTHER = """## 1. One

1. Not a decision.

## 2. Two

## Decisions that hold

1. First.
2. Second.

## Not a decision

3. Third.
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "code.py").write_text('NAME = "nowhere.md"\n')
    (tmp_path / "page.md").write_text(PAGE)
    (tmp_path / "other.md").write_text(OTHER)
    return tmp_path


@pytest.mark.parametrize("name", ["code.py", "page.md", "other.md"])
def test_what_leads_somewhere_is_no_fault(folder: Path, name: str) -> None:
    assert broken(folder / name) == []


@pytest.mark.parametrize(
    ("name", "made_up", "said"),
    [
        ("code.py", "# See nowhere.md.", "nowhere.md"),
        ("code.py", "# See docs/other.md.", "docs/other.md"),
        ("code.py", "# See `nowhere.md`.", "nowhere.md"),
        ("code.py", "# See other.md section 3.", "other.md section 3"),
        ("code.py", "# See other.md,\n# section 3", "other.md section 3"),
        ("code.py", "# other.md sections 1, 2\n# and 3", "other.md section 3"),
        ("code.py", "# other.md, decision 3", "other.md decision 3"),
        ("code.py", "# page.md, decisions 1", "page.md decision 1"),
        ("page.md", "See nowhere.md", "nowhere.md"),
        ("page.md", "(other.md section 3)", "other.md section 3"),
        ("page.md", "[file](nowhere.py)", "nowhere.py"),
        ("page.md", "[a\nfile](nowhere.py)", "nowhere.py"),
        ("page.md", "![picture](nowhere.png)", "nowhere.png"),
        ("page.md", "[here](#no-heading)", "#no-heading"),
        ("page.md", "[there](other.md#title)", "other.md#title"),
        ("page.md", "[there](other.md#3-three)", "other.md#3-three"),
        ("page.md", "[comment](#no-heading-no-linknowherepy)", "#no-heading-no-linknowherepy"),
    ],
)
def test_a_made_up_reference_is_a_fault(folder: Path, name: str, made_up: str, said: str) -> None:
    path = folder / name
    path.write_text(f"{path.read_text()}\n{made_up}\n")
    assert broken(path) == [said]


def test_the_code_and_the_pages_are_looked_at() -> None:
    """So that the first test has something to look at."""
    referring = {p.relative_to(REPOSITORY).as_posix() for p in sources() if ".md" in p.read_text()}
    assert {"README.md", "CONTRIBUTING.md", "docs/figures.md"} <= referring
    assert {"pyodide_rtc/wire/messages.py", "tests/bench/run.py"} <= referring
