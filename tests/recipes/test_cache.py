from __future__ import annotations

from typing import TYPE_CHECKING

import cache
import process
import pytest

if TYPE_CHECKING:
    from pathlib import Path


class TestKey:
    def test_ignores_the_order_of_inputs(self) -> None:
        assert cache.key_of({"a": "1", "b": "2"}) == cache.key_of({"b": "2", "a": "1"})

    def test_keeps_inputs_apart(self) -> None:
        keys = [
            cache.key_of(inputs)
            for inputs in ({"a": "bc"}, {"ab": "c"}, {"a": "b", "c": ""}, {"a": "", "bc": ""})
        ]
        assert len(set(keys)) == len(keys)

    def test_takes_a_file_by_content(self, tmp_path: Path) -> None:
        for name in ("one", "two"):
            (tmp_path / name).write_text("same")
        key = cache.key_of({"file": tmp_path / "one"})
        assert key == cache.key_of({"file": tmp_path / "two"})
        (tmp_path / "two").write_text("other")
        assert key != cache.key_of({"file": tmp_path / "two"})

    def test_takes_a_folder_by_names_and_contents_without_compiled_python(
        self, tmp_path: Path
    ) -> None:
        (tmp_path / "a").write_text("x")
        key = cache.key_of({"folder": tmp_path})
        (tmp_path / "__pycache__").mkdir()
        (tmp_path / "__pycache__" / "a.pyc").write_text("compiled")
        assert key == cache.key_of({"folder": tmp_path})
        (tmp_path / "a").rename(tmp_path / "b")
        assert key != cache.key_of({"folder": tmp_path})


class TestCached:
    def test_builds_once_per_inputs(
        self, cache_home: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        built = []

        def fill(folder: Path) -> None:
            built.append(folder)
            (folder / "result").write_text("made")

        first = cache.cached("thing", {"v": "1"}, fill, takes="a moment")
        assert cache.cached("thing", {"v": "1"}, fill) == first
        assert cache.cached("thing", {"v": "2"}, fill) != first
        assert (first / "result").read_text() == "made"
        assert len(built) == 2
        assert first.parent == cache_home
        said = capsys.readouterr().out.splitlines()
        assert said[0] == "thing: building (a moment) ..."
        assert said[2] == f"thing: from the cache, {first}"

    def test_a_failed_build_leaves_nothing(self, cache_home: Path) -> None:
        def fail(folder: Path) -> None:
            (folder / "half").write_text("")
            raise process.BuildError("no")

        with pytest.raises(process.BuildError):
            cache.cached("thing", {}, fail)
        assert list(cache_home.iterdir()) == []

    def test_the_first_of_two_builders_wins(self, cache_home: Path) -> None:
        def overtaken(folder: Path) -> None:
            (folder / "by").write_text("second")
            cache.cached("thing", {}, lambda other: (other / "by").write_text("first"))

        assert (cache.cached("thing", {}, overtaken) / "by").read_text() == "first"
        assert len(list(cache_home.iterdir())) == 1
