"""A JupyterLite site of somebody's own wheel and notebooks, built for their tests."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, distributions, version
from mimetypes import guess_type
from pathlib import Path
from tempfile import TemporaryDirectory

from pyodide_rtc.testing.browsers.errors import SiteError

__all__ = ["SiteOptions", "build_site"]

_NEEDED = {
    "jupyterlite-core": "jupyterlite-core",
    "jupyterlite-pyodide-kernel": "jupyterlite-pyodide-kernel",
    "pyodide-rtc-site": "'pyodide-rtc[site]'",
}
_LIST = "all.json"
_CONFIG = {
    "collaborative": True,
    "fullWebRtcSignalingUrls": ["./signaling"],
    "exposeAppInBrowser": True,  # tests drive the page by it
}


@dataclass(frozen=True, slots=True)
class SiteOptions:
    """What a site for tests is built of.

    Args:
        wheels: what notebooks install by `%pip`: wheels, or folders with a pyproject.toml, of
            which a wheel is built.
        packages: names of packages that these need, and that Pyodide does not have. They are taken
            in the versions that are installed here, from the package index of pip. Without them
            browsers ask PyPI.
        notebooks: a folder of notebooks and other files that the site has.
        pyodide: a folder with Pyodide, which the site then serves; by default browsers load it
            from where JupyterLite's kernel says.
        config: more for the site's `jupyter-config-data`.
    """

    wheels: Sequence[Path] = ()
    packages: Sequence[str] = ()
    notebooks: Path | None = None
    pyodide: Path | None = None
    config: Mapping[str, object] = field(default_factory=dict)


def build_site(options: SiteOptions, cache: Path) -> Path:
    """Build a site; one of the same inputs is taken as it is.

    Args:
        options: what it is built of.
        cache: a folder for sites that were built; keeps the latest.

    Returns:
        the folder of the site.

    Raises:
        SiteError: something is missing, or the build failed; says what to do.
    """
    _check(options)
    cache.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix="build-", dir=cache) as temporary:
        work = Path(temporary)
        wheels = _collect_wheels(options, work / "lite/pypi")
        site = cache / f"site-{_key(options, wheels)}"
        if site.exists():
            return site
        _write_config(options, work / "lite")
        if options.pyodide is not None:
            _link_tree(options.pyodide, work / "lite/static/pyodide")
        command = ["jupyterlite_core", "build", "--lite-dir", ".", "--output-dir", "../site"]
        _run([sys.executable, "-m", *command], work / "lite", "The site cannot be built")
        if options.notebooks is not None:
            shutil.copytree(options.notebooks, work / "site/files", dirs_exist_ok=True)
            _list_files(work / "site")
        for old in cache.glob("site-*"):
            shutil.rmtree(old, ignore_errors=True)
        with suppress(OSError):  # another process of this run has just built it
            (work / "site").rename(site)
    return site


def _check(options: SiteOptions) -> None:
    missing = [words for name, words in _NEEDED.items() if not _is_installed(name)]
    if options.notebooks is not None and not options.notebooks.is_dir():
        raise SiteError(f"There is no folder {options.notebooks}", "Set `rtc_notebooks`.")
    if missing:
        packages = " ".join(missing)
        raise SiteError(f"A site needs {packages}", f"Run `pip install {packages}`.")
    if options.pyodide is not None and not (options.pyodide / "pyodide.mjs").exists():
        raise SiteError(f"There is no pyodide.mjs in {options.pyodide}", "Set `rtc_pyodide`.")


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _collect_wheels(options: SiteOptions, folder: Path) -> list[Path]:
    """Put all wheels for notebooks into a folder, from which JupyterLite's build takes them."""
    folder.mkdir(parents=True)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    for source in options.wheels:
        if source.suffix == ".whl" and source.is_file():
            shutil.copy(source, folder)
        elif (source / "pyproject.toml").is_file():
            _run(
                [*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(source)],
                folder,
                f"No wheel can be built of {source}",
            )
        else:
            problem = f"{source} is no wheel, and no folder with a pyproject.toml"
            raise SiteError(problem, "Set `rtc_wheels`.")
    if options.packages:
        pinned = [f"{name}=={_version(name)}" for name in options.packages]
        download = ["download", "--no-deps", "--only-binary=:all:", "--platform", "any"]
        problem = "pip has no pure Python wheels of the packages of the site"
        _run([*pip, *download, "--dest", str(folder), *pinned], folder, problem)
    return sorted(folder.glob("*.whl"))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        problem = f"{name} is to be in the site, and is not installed here"
        raise SiteError(problem, f"Run `pip install {name}`.") from None


def _key(options: SiteOptions, wheels: Iterable[Path]) -> str:
    """Digest all that the site is built of."""
    digest = hashlib.sha256(json.dumps(_config(options), sort_keys=True).encode())
    for wheel in wheels:  # by content: some builds put the time into the file
        with zipfile.ZipFile(wheel) as archive:
            content = sorted((each.filename, each.CRC) for each in archive.infolist())
        digest.update(f"{wheel.name} {content}".encode())
    folders = [options.notebooks] if options.notebooks is not None else []
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.is_file()):
        digest.update(f"{path} {hashlib.sha256(path.read_bytes()).hexdigest()}".encode())
    if options.pyodide is not None:
        digest.update((options.pyodide / "pyodide-lock.json").read_bytes())
    installed = {f"{each.name}=={each.version}" for each in distributions()}
    digest.update(" ".join(sorted(installed)).encode())
    return digest.hexdigest()[:16]


def _config(options: SiteOptions) -> dict[str, object]:
    # JupyterLite's build sets this key where it writes the lists of files.
    lists = {} if options.notebooks is None else {"contentsAllJsonFile": _LIST}
    return {**_CONFIG, **lists, **options.config}


def _write_config(options: SiteOptions, folder: Path) -> None:
    config = {"jupyter-config-data": _config(options)}
    (folder / "jupyter-lite.json").write_text(json.dumps(config))
    build = {"apps": ["lab", "notebooks"], "no_sourcemaps": True}
    (folder / "jupyter_lite_config.json").write_text(json.dumps({"LiteBuildConfig": build}))


def _list_files(site: Path) -> None:
    """Write the lists of files that pages read, as Jupyter's contents API gives them.

    JupyterLite's build writes the same, with a whole jupyter-server to ask.
    """
    root = site / "files"
    for folder in [root, *(path for path in root.rglob("*") if path.is_dir())]:
        listed = [_model(path, root) for path in sorted(folder.iterdir())]
        content = {**_model(folder, root), "format": "json", "content": listed}
        listing = site / "api/contents" / folder.relative_to(root) / _LIST
        listing.parent.mkdir(parents=True, exist_ok=True)
        listing.write_text(json.dumps(content))


def _model(path: Path, root: Path) -> dict[str, object]:
    is_folder, is_notebook = path.is_dir(), path.suffix == ".ipynb"
    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat()
    return {
        "name": "" if path == root else path.name,
        "path": "" if path == root else path.relative_to(root).as_posix(),
        "type": "directory" if is_folder else "notebook" if is_notebook else "file",
        "format": None,
        "mimetype": None if is_folder or is_notebook else guess_type(path)[0] or "text/plain",
        "size": None if is_folder else path.stat().st_size,
        "created": changed,
        "last_modified": changed,
        "writable": True,
        "content": None,
    }


def _link_tree(source: Path, target: Path) -> None:
    def link(one: str, other: str) -> None:
        try:
            os.link(one, other)
        except OSError:  # of another file system
            shutil.copy(one, other)

    shutil.copytree(source, target, copy_function=link)


def _run(command: list[str], folder: Path, problem: str) -> None:
    environment = {**os.environ, "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).splitlines()[-40:])
        raise SiteError(f"{problem}:\n{said}\n", f"It was: {' '.join(command)}")
