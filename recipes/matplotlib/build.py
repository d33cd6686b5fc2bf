#!/usr/bin/env python3
"""Build matplotlib and what it needs for Pyodide, without an emsdk: `make matplotlib`.

Pyodide's own distribution has these wheels, and who has a network needs no others. This is for a
place that reaches package indexes alone: there nobody has a wheel of numpy, Pillow, kiwisolver or
matplotlib. Debian's clang compiles their source archives against Emscripten's headers; the rest
comes from the index as it is.
"""

import argparse
import email.message
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
PYCRDT = HERE.parent / "pycrdt"
sys.path[:0] = [str(HERE), str(PYCRDT), str(HERE.parent)]

from cache import cached  # noqa: E402  its folder is on the path only now
from debian import Release  # noqa: E402
from downloads import PYODIDE, download_wheels, pyodide_runtime  # noqa: E402
from extensions import SUFFIX, Compiler  # noqa: E402
from headers import make_headers  # noqa: E402
from numpy_build import build_numpy  # noqa: E402
from process import BuildError, run  # noqa: E402
from wheel_file import wheel_metadata, write_wheel  # noqa: E402

TAG = "cp314-cp314-pyemscripten_2026_0_wasm32"
NEEDED = {"clang-19": "clang-19", "llvm-ar-19": "llvm-19", "wasm-ld-19": "lld-19"}
UNUSED = ("/tests/", "/__pycache__/", "/include/", "/sphinxext/")
UNUSED_FILES = (".a", ".pyi", ".pyx", ".pxd", ".h", ".c", ".cpp")
FREETYPE = """
    autofit/autofit base/ftbase base/ftbbox base/ftbitmap base/ftdebug base/ftglyph base/ftinit
    base/ftmm base/ftstroke base/ftsynth base/ftsystem base/fttype1 bdf/bdf cff/cff
    cid/type1cid gzip/ftgzip lzw/ftlzw pcf/pcf pfr/pfr psaux/psaux pshinter/pshinter
    psnames/psnames raster/raster sdf/sdf sfnt/sfnt smooth/smooth svg/svg truetype/truetype
    type1/type1 type42/type42 winfonts/winfnt
""".split()  # noqa: SIM905  so many names are read more easily so
PILLOW = ("_imaging", "decode", "encode", "map", "display", "outline", "path")
MATPLOTLIB = {
    "backends/_backend_agg": ("_backend_agg.cpp", "_backend_agg_wrapper.cpp"),
    "_c_internal_utils": ("_c_internal_utils.cpp",),
    "ft2font": ("ft2font.cpp", "ft2font_wrapper.cpp"),
    "_image": ("_image_wrapper.cpp", "py_converters.cpp"),
    "_path": ("_path_wrapper.cpp",),
    "_qhull": ("_qhull_wrapper.cpp",),
    "_tri": ("tri/_tri.cpp", "tri/_tri_wrapper.cpp"),
}
LACKING = """
const { readFileSync } = require("fs");
const [, symbols, ...modules] = process.argv;
const there = new Set(readFileSync(symbols, "utf8").split("\\n"));
for (const file of modules) {
  const module = new WebAssembly.Module(readFileSync(file));
  const own = new Set(WebAssembly.Module.exports(module).map(({ name }) => name));
  for (const { name } of WebAssembly.Module.imports(module)) {
    if (name !== "memory" && !there.has(name) && !own.has(name)) console.log(name);
  }
}
"""
NO_THREADS = {"timer.start()": "pass", "timer.cancel()": "pass"}
"""matplotlib says by a thread that its font cache takes long; Pyodide has no threads."""


class Build:
    """Builds all wheels into a folder.

    Args:
        folder: where the wheels go.
        work: an empty folder.

    Raises:
        BuildError: a step failed.
    """

    def __init__(self, folder: Path, work: Path) -> None:
        self._folder, self._work = folder, work
        self._tools = _make_tools(work / "tools")
        self._headers = work / "headers"
        self._headers.mkdir()
        make_headers(self._headers, pyodide_runtime())
        self._sources = _fetch_sources(work / "sources")
        debian = work / "debian"
        debian.mkdir()
        self._debian = Release("trixie", debian)
        objects = work / "objects"
        objects.mkdir()
        self._compiler = Compiler(self._headers, objects)

    def all(self) -> None:
        """Build them, and fetch those that are ready."""
        numpy = self._numpy()
        self._kiwisolver()
        self._pillow()
        self._matplotlib(numpy)
        download_wheels(self._folder, ["-r", str(HERE / "wheels.txt")])

    def _numpy(self) -> Path:
        work, source = self._work / "numpy", self._sources["numpy"]
        work.mkdir()
        built = build_numpy(source, self._headers, self._compiler, self._tools, work)
        self._pack(source, built)
        return built

    def _kiwisolver(self) -> None:
        source = self._sources["kiwisolver"]
        package = shutil.copytree(source / "py/kiwisolver", self._work / "kiwi/kiwisolver")
        sources = sorted((source / "py/src").glob("*.cpp"))
        objects = self._compiler.objects(sources, f"-I{source}", self._include("cppy"))
        self._compiler.link(package / "_cext", objects)
        self._pack(source, package.parent)

    def _pillow(self) -> None:
        """Build Pillow with PNG alone, whose compression Pyodide's Python brings."""
        source = self._sources["pillow"]
        package = shutil.copytree(source / "src/PIL", self._work / "pillow/PIL")
        zlib = self._debian.unpack(["zlib1g-dev"]) / "usr/include"
        folders = [zlib, source / "src", source / "src/libImaging", source / "src/thirdparty"]
        version = f'-DPILLOW_VERSION="{_about(source)["Version"]}"'
        options = [*(f"-I{folder}" for folder in folders), "-DHAVE_LIBZ", version]
        sources = [source / f"src/{name}.c" for name in PILLOW]
        sources += sorted((source / "src/libImaging").glob("*.c"))
        self._compiler.link(package / "_imaging", self._compiler.objects(sources, *options))
        self._pack(source, package.parent)

    def _matplotlib(self, numpy: Path) -> None:
        source = self._sources["matplotlib"]
        built = shutil.copytree(source / "lib", self._work / "matplotlib")
        _prepare(built / "matplotlib", str(_about(source)["Version"]))
        freetype, qhull = self._debian.source("freetype"), self._debian.source("qhull") / "src"
        agg, ft = source / "extern/agg24-svn", [f"-I{freetype / 'include'}"]
        agg_objects = self._objects_in(agg / "src", ["*.cpp"], f"-I{agg}/include")
        parts = {
            "_qhull": self._objects_in(qhull / "libqhull_r", ["*_r.c"], f"-I{qhull}"),
            "ft2font": self._objects_in(
                freetype / "src", [f"{n}.c" for n in FREETYPE], "-DFT2_BUILD_LIBRARY", *ft
            ),
            "_path": agg_objects,
            "_image": agg_objects,
        }
        parts["backends/_backend_agg"] = [*agg_objects, *parts["ft2font"]]
        options = [
            *(self._include("pybind11"), f"-I{numpy}/numpy/_core/include", *ft),
            *(f"-I{agg}/include", f"-I{qhull}", f"-I{source}/src"),
            *("-DMPL_DEVNULL=/dev/null", '-DFREETYPE_BUILD_TYPE="local"'),
        ]
        for name, files in MATPLOTLIB.items():
            objects = self._compiler.objects([source / "src" / f for f in files], *options)
            self._compiler.link(built / "matplotlib" / name, [*objects, *parts.get(name, [])])
        self._pack(source, built, freetype / "LICENSE.TXT", qhull.parent / "COPYING.txt")

    def _objects_in(self, folder: Path, patterns: list[str], *options: str) -> list[Path]:
        sources = [path for pattern in patterns for path in sorted(folder.glob(pattern))]
        return self._compiler.objects(sources, *options)

    def _check_imports(self, built: Path) -> None:
        """Check that Pyodide has all that the modules import.

        Raises:
            BuildError: it lacks something: Emscripten's headers are of another version, say.
        """
        modules = sorted(built.rglob(f"*{SUFFIX}"))
        symbols = self._headers / "symbols.txt"
        lacking = run(["node", "-e", LACKING, symbols, *modules], cwd=self._work).split()
        if lacking or not modules:
            raise BuildError(f"{PYODIDE} lacks what {built.name} imports: {' '.join(lacking)}")

    def _include(self, package: str) -> str:
        """Return the option for the headers that a package in our tools has."""
        asking = f"import {package}; print({package}.get_include())"
        return "-I" + run([self._tools / "python", "-c", asking], cwd=self._work).strip()

    def _pack(self, source: Path, built: Path, *licences: Path) -> None:
        """Write the wheel of what was built, with the licences of the source and these."""
        self._check_imports(built)
        about = _about(source)
        name = f"{about['Name']}-{about['Version']}"
        files = {
            **dict(_used_files(built)),
            f"{name}.dist-info/METADATA": (source / "PKG-INFO").read_bytes(),
            f"{name}.dist-info/WHEEL": wheel_metadata(TAG, "pyodide-rtc recipes/matplotlib"),
        }
        own = (path for pattern in ("LICENSE*", "LICENSE/*") for path in source.glob(pattern))
        for path in filter(Path.is_file, (*own, *licences)):
            place = f"{path.parent.name}/{path.name}"  # two may have one name
            files[f"{name}.dist-info/licenses/{place}"] = path.read_bytes()
        write_wheel(self._folder / f"{name}-{TAG}.whl", files, f"{name}.dist-info")


def _make_tools(folder: Path) -> Path:
    run([sys.executable, "-m", "venv", folder], cwd=HERE)
    pip = [folder / "bin/python", "-m", "pip", "install", "--quiet", "--no-deps"]
    run([*pip, "-r", HERE / "tools.txt"], cwd=HERE)
    return folder / "bin"


def _fetch_sources(folder: Path) -> dict[str, Path]:
    """Unpack the source archives that sources.txt pins, and return their folders by their names."""
    folder.mkdir()
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
    options = ["--no-binary=:all:", "--no-build-isolation", "--require-hashes"]
    stand_ins = f"{HERE / 'stand_in'}:{PYCRDT / 'source/stand_in'}"
    environment = {**os.environ, "PYTHONPATH": stand_ins}
    run([*pip, *options, "-r", HERE / "sources.txt"], cwd=HERE, env=environment)
    for archive in folder.glob("*.tar.gz"):
        shutil.unpack_archive(archive, folder)  # safe: its hash is pinned
        archive.unlink()
    return {path.name.split("-")[0]: path for path in folder.iterdir()}


def _about(source: Path) -> email.message.Message:
    return email.message_from_bytes((source / "PKG-INFO").read_bytes())


def _prepare(package: Path, version: str) -> None:
    """Write what matplotlib's own build writes, and change what Pyodide cannot do."""
    parts = tuple(map(int, version.split(".")))
    lines = [f"version = __version__ = {version!r}", f"version_tuple = {parts}"]
    (package / "_version.py").write_text("\n".join([*lines, "__version_tuple__ = version_tuple\n"]))
    fonts = package / "font_manager.py"
    text = fonts.read_text()
    for threaded, instead in NO_THREADS.items():
        if text.count(threaded) != 1:
            raise BuildError(f"font_manager.py has {threaded} not once: look at NO_THREADS")
        text = text.replace(threaded, instead)
    fonts.write_text(text)


def _used_files(built: Path) -> Iterator[tuple[str, bytes]]:
    """Give what a kernel uses of a package, by its name in the wheel."""
    for path in sorted(built.rglob("*")):
        name = path.relative_to(built).as_posix()
        is_used = not any(part in f"/{name}" for part in UNUSED)
        if path.is_file() and is_used and path.suffix not in UNUSED_FILES:
            yield name, path.read_bytes()


def _check_tools() -> None:
    missing = [package for tool, package in NEEDED.items() if shutil.which(tool) is None]
    if missing:
        raise BuildError(f"missing on this machine: apt-get install {' '.join(missing)}")


def build(folder: Path) -> None:
    """Build the wheels into the folder, from nothing."""
    with tempfile.TemporaryDirectory(dir=folder) as work:
        Build(folder, Path(work)).all()


def main() -> int:
    """Put the wheels into the folder that --out names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("dist/matplotlib"), help="where they go")
    out: Path = parser.parse_args().out
    inputs = {"recipe": HERE, "linker": PYCRDT / "wasm_linker.py", "pyodide": PYODIDE}
    try:
        _check_tools()
        wheels = cached("matplotlib", inputs, build, takes="about 5 minutes")
        shutil.copytree(wheels, out, dirs_exist_ok=True)
    except (BuildError, OSError) as error:
        print(f"matplotlib: {error}", file=sys.stderr)
        return 1
    print(f"matplotlib: {len(list(wheels.glob('*.whl')))} wheels in {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
