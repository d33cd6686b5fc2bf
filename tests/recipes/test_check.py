from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import check
import process
import pytest

if TYPE_CHECKING:
    from pathlib import Path


class TestCheck:
    GLUE = 'wasmImports={a:_a,b,c:_c};x=>{switch(y){case"__memory_base":return memoryBase;}}'

    def test_reads_the_listings_of_auditwheel(self) -> None:
        listing = "p/_p.abi3.so:\n       env      FUNC\tfree\n   GOT.mem    GLOBAL\tPyDict_Type\n"
        assert check.symbols(listing) == {"free", "PyDict_Type"}
        assert check.symbols("m.wasm:\n      FUNC\tmalloc\n") == {"malloc"}

    def test_reads_what_the_javascript_gives(self) -> None:
        assert check.names_from_glue(self.GLUE) == {"a", "b", "c", "__memory_base"}

    def test_javascript_of_another_form_is_said(self) -> None:
        with pytest.raises(process.BuildError, match="no table of imports"):
            check.names_from_glue("imports = new Map()")

    @pytest.mark.parametrize(
        ("imports", "verdict"),
        [({"a", "malloc"}, None), ({"a", "fork"}, "lacks fork$"), (set(), "no imports")],
    )
    def test_an_import_that_pyodide_lacks_is_found(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        imports: set[str],
        verdict: str | None,
    ) -> None:
        class FakeTools(check.Tools):
            def __init__(self) -> None:
                pass

            def auditwheel(self, what: str, file: Path) -> set[str]:
                return imports if what == "imports" else {"malloc"}

        (tmp_path / "pyodide.asm.mjs").write_text(self.GLUE)
        monkeypatch.setattr(check, "pyodide_runtime", lambda: tmp_path)
        if verdict is None:
            assert "has all 2 imports" in check.check_imports(FakeTools(), tmp_path / "p.whl")
        else:
            with pytest.raises(process.BuildError, match=verdict):
                check.check_imports(FakeTools(), tmp_path / "p.whl")

    def test_a_python_that_does_not_run_is_none(self, tmp_path: Path) -> None:
        assert not check.is_new_enough(str(tmp_path / "python3.14"))

    def test_without_a_newer_python_nothing_is_checked_aloud(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(check, "python_candidates", list)
        monkeypatch.setattr(sys, "argv", ["check.py"])
        assert check.main() == 0
        assert "NOT CHECKED" in capsys.readouterr().out

    def test_no_wheel_to_check_is_a_failure(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(check, "is_new_enough", lambda python: True)
        monkeypatch.setattr(sys, "argv", ["check.py", "--dist", str(tmp_path)])
        assert check.main() == 1
        assert "expected one wheel of pycrdt" in capsys.readouterr().err
