"""Build the demo site: JupyterLite with pyodide-rtc in it, from the package registries alone.

    python demo-site/build.py           the site, into demo-site/_output
    python demo-site/build.py --bare    without our labextension and anywidget, into _output-bare

Needs the wheels of pyodide-rtc and pyodide-rtc-site in dist/ (`make wheel site-wheels`) and npm.
What is slow is kept in the cache of recipes/cache.py; a site that is up to date is left as it is.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent
sys.path.insert(0, str(REPOSITORY / "recipes"))

from cache import Input, cached, key_of  # noqa: E402  recipes/ is no package
from downloads import BYTECODE, cached_wheels, precompile  # noqa: E402
from process import BuildError  # noqa: E402
from pyodide_files import build_pyodide_files  # noqa: E402

APPS = ["lab", "notebooks", "tree", "edit", "repl", "consoles"]
KERNEL_PLUGIN = "@jupyterlite/pyodide-kernel-extension:kernel"
KERNEL_WHEELS = "share/jupyter/labextensions/@jupyterlite/pyodide-kernel-extension/static/pypi"
SITE_CONFIG = HERE / "lite"
CONTENT = HERE / "content"
PLOTTING = REPOSITORY / "dist/matplotlib"
"""matplotlib and what it needs, if `make matplotlib` has put it there."""
KEY_FILE = "build-key.txt"


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the demo site.")
    parser.add_argument("--bare", action="store_true", help="no labextension, no anywidget")
    bare: bool = parser.parse_args().bare
    output = HERE / ("_output-bare" if bare else "_output")
    ours = [
        _built_wheel("pyodide_rtc", "make wheel"),
        _built_wheel("pyodide_rtc_site", "make site-wheels"),
    ]
    key = key_of(
        {path.name: path for path in [*HERE.glob("*.py"), *HERE.glob("*.txt"), *ours]}
        | {"config": SITE_CONFIG, "content": CONTENT, "bytecode": BYTECODE, "bare": str(bare)}
        | {f"plotting {path.name}": path for path in PLOTTING.glob("*.whl")}
    )
    if _key_in(output) == key:
        print(f"site: up to date, {output}")
        return
    tools = cached(
        "jupyterlite",
        {"pins": HERE / "requirements.txt", "python": sys.version, "at": sys.base_prefix},
        _make_tools,
        takes="about 30 s",
    )
    print(f"site: building {output.name} (about 10 s) ...", flush=True)
    try:
        _build_site(output, tools, ours, bare)
    except BuildError as error:
        raise SystemExit(f"site: {error}") from error
    (output / KEY_FILE).write_text(key)
    size = sum(path.stat().st_size for path in output.rglob("*") if path.is_file())
    print(f"site: built, {size / 1e6:.0f} MB, {output}")


def _built_wheel(name: str, command: str) -> Path:
    wheels = sorted((REPOSITORY / "dist").glob(f"{name}-*.whl"), key=lambda w: w.stat().st_mtime)
    if not wheels:
        raise SystemExit(f"no {name} wheel in dist/: run `{command}` first")
    return wheels[-1]


def _key_in(output: Path) -> str:
    key_file = output / KEY_FILE
    return key_file.read_text() if key_file.exists() else ""


def _make_tools(folder: Path) -> None:
    """Make the virtual environment with JupyterLite; only its `bin/python` survives a move."""
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "-r", str(HERE / "requirements.txt")], check=True)


def _build_site(output: Path, tools: Path, ours: list[Path], bare: bool) -> None:
    """Build beside the output and swap, so that a server of the old site never sees half a one."""
    with tempfile.TemporaryDirectory(prefix=f"{output.name}.", dir=HERE) as work:
        lite, site = Path(work, "lite"), Path(work, "site")
        shutil.copytree(SITE_CONFIG, lite)
        wheels = cached_wheels("notebook-wheels", HERE / "wheels.txt")
        pyodide = _pyodide_files(tools, wheels)
        shutil.copytree(pyodide, lite / "static/pyodide")
        for some in filter(Path.is_dir, (wheels, PLOTTING)):
            shutil.copytree(_with_bytecode(some, pyodide), lite / "pypi", dirs_exist_ok=True)
        if bare:
            next((lite / "pypi").glob("anywidget-*")).unlink()
        config = _lite_config(_labextensions(lite, ours, bare))
        (lite / "jupyter_lite_config.json").write_text(json.dumps(config))
        _run_jupyterlite(tools, lite, site)
        shutil.copy(site / "static/favicons/favicon.ico", site)  # the pages have no icon link
        shutil.rmtree(output, ignore_errors=True)
        site.rename(output)


def _pyodide_files(tools: Path, wheels: Path) -> Path:
    config = json.loads((SITE_CONFIG / "jupyter-lite.json").read_text())["jupyter-config-data"]
    roots = config["litePluginSettings"][KERNEL_PLUGIN]["loadPyodideOptions"]["packages"]
    candidates = [*(tools / KERNEL_WHEELS).glob("*.whl"), *wheels.glob("comm-*.whl")]
    named = {wheel.name.split("-")[0].replace("_", "-"): wheel for wheel in candidates}
    inputs: dict[str, Input] = {
        "code": HERE / "pyodide_files.py",
        "bytecode": BYTECODE,
        "roots": " ".join(roots),
        "pins": HERE / "requirements.txt",
        "wheels": HERE / "wheels.txt",
    }
    return cached(
        "pyodide",
        inputs,
        lambda folder: build_pyodide_files(folder, roots, [named[r] for r in roots if r in named]),
        takes="about 30 s",
    )


def _with_bytecode(wheels: Path, pyodide: Path) -> Path:
    def make(folder: Path) -> None:
        shutil.copytree(wheels, folder, dirs_exist_ok=True)
        precompile(pyodide, folder)

    return cached("compiled-wheels", {"wheels": wheels, "bytecode": BYTECODE}, make)


def _labextensions(lite: Path, ours: list[Path], bare: bool) -> list[Path]:
    """Return the wheels that `pip install 'pyodide-rtc[site]'` brings, and those of widgets."""
    widgets = [*(lite / "pypi").glob("jupyterlab_widgets-*"), *(lite / "pypi").glob("anywidget-*")]
    if bare:
        return [*widgets, ours[1]]  # which has wheels for kernels, and nothing for the page
    front_end = cached_wheels("labextensions", HERE / "labextensions.txt")
    return [*widgets, *ours, *front_end.glob("*.whl")]


def _lite_config(labextensions: list[Path]) -> dict[str, object]:
    """Configure the build. Its environment has no labextension of ours: so it need not change."""
    sources = {"contents": [str(CONTENT)], "federated_extensions": list(map(str, labextensions))}
    return {"LiteBuildConfig": {"apps": APPS, "no_sourcemaps": True} | sources}


def _run_jupyterlite(tools: Path, lite: Path, site: Path) -> None:
    command = [str(tools / "bin/python"), "-m", "jupyterlite_core", "build"]
    paths = ["--lite-dir", str(lite), "--output-dir", str(site)]
    done = subprocess.run(
        [*command, *paths],
        cwd=lite,
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{done.stdout}\njupyter lite build failed, see above")


if __name__ == "__main__":
    main()
