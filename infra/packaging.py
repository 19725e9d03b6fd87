"""Bundle: the function code and its dependencies as one zip, byte for byte the same wherever it is built."""

import compileall
import hashlib
import json
import py_compile
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import pulumi
import uv

PYTHON_VERSION = "3.13"
# What ships, and nothing else; a test compares it with what the folder holds.
SHIPPED = ("function_app.py", "host.json", "requirements.txt", "classifier/**/*.py")
_PACKAGES = Path(".python_packages/lib/site-packages")
# Flex Consumption runs Python 3.13 on Debian 12 (glibc 2.36), so manylinux_2_28 wheels load there.
_PLATFORM = "x86_64-manylinux_2_28"
_BUILDER_VERSION = "1"
_EXTENSION_BUNDLE_ID = "Microsoft.Azure.Functions.ExtensionBundle"
# The two spellings of the one supported range. Microsoft advises against any other, and the host does not find a
# published version that is above the platform's current release:
# https://learn.microsoft.com/azure/azure-functions/extension-bundles#considerations-for-extension-bundles
# https://learn.microsoft.com/en-us/answers/a/12794340
_EXTENSION_BUNDLE_VERSIONS = ("[4.*, 5.0.0)", "[4.0.0, 5.0.0)")


class BundleError(pulumi.RunError):
    """The bundle could not be built; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A zip ready to be published."""

    path: Path
    sha256: str


def build(source: Path, out: Path) -> Bundle:
    """The bundle of the app in `source`, as a zip in `out`; an unchanged source costs milliseconds.

    The zip holds the app's files, its locked dependencies under `.python_packages` as Linux wheels, and their bytecode:
    without it every cold start would compile for about a second. Names are sorted, dates fixed, bytecode unchecked
    against the (dateless) sources. Raises BundleError.
    """
    if f"{sys.version_info.major}.{sys.version_info.minor}" != PYTHON_VERSION:
        raise BundleError(f"the bundle holds bytecode for Python {PYTHON_VERSION}; this is {sys.version.split()[0]}")
    _check_extension_bundle(source / "host.json")
    packages = _packages(source / "requirements.txt", out)
    target = out / f"functions-{_key(source, packages)}.zip"
    if not target.exists():
        with tempfile.TemporaryDirectory(dir=out, prefix="stage-") as stage:
            code, zipped = Path(stage) / "code", Path(stage) / "bundle.zip"
            for path in shipped(source):
                (code / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source / path, code / path)
            _compile(code, "/home/site/wwwroot")
            _zip({Path(): code, _PACKAGES: packages}, zipped)
            zipped.replace(target)
    return Bundle(path=target, sha256=hashlib.sha256(target.read_bytes()).hexdigest())


def shipped(source: Path) -> Iterator[Path]:
    """The files of `source` that ship, sorted, relative to it."""
    found = {path.relative_to(source) for pattern in SHIPPED for path in source.glob(pattern) if path.is_file()}
    yield from sorted(found)


def _check_extension_bundle(host_json: Path) -> None:
    """Checks that the host will know the app's triggers.

    Without an extension bundle it knows HTTP and timer triggers only
    (https://learn.microsoft.com/azure/azure-functions/functions-bindings-register). A function with any other trigger
    then never runs, and Azure lists it all the same, so that nothing after this check would notice.

    Raises:
        BundleError: host.json is not a JSON object, or names no extension bundle, or another one.
    """
    try:
        document: Any = json.loads(host_json.read_text())
    except (OSError, ValueError) as error:
        raise BundleError(f"{host_json} cannot be read: {error}") from error
    declared: Any = cast("dict[str, Any]", document).get("extensionBundle") if isinstance(document, dict) else None
    bundle = cast("dict[str, Any]", declared) if isinstance(declared, dict) else {}
    if bundle.get("id") == _EXTENSION_BUNDLE_ID and bundle.get("version") in _EXTENSION_BUNDLE_VERSIONS:
        return
    required = json.dumps({"id": _EXTENSION_BUNDLE_ID, "version": _EXTENSION_BUNDLE_VERSIONS[0]})
    raise BundleError(
        f"{host_json}: extensionBundle is {json.dumps(declared)}. Set it to {required}: without this extension bundle "
        "the Functions host has no queue trigger, and Azure would list the functions that need one and never run them."
    )


def _key(source: Path, packages: Path) -> str:
    digest = hashlib.sha256(packages.name.encode())
    for path in shipped(source):
        content = hashlib.sha256((source / path).read_bytes()).hexdigest()
        digest.update(f"\n{path.as_posix()} {content}".encode())
    return digest.hexdigest()[:16]


def _packages(lock: Path, out: Path) -> Path:
    """The installed, pruned and compiled dependencies; only a changed lock needs the network."""
    tools = f"{_BUILDER_VERSION} {sys.version_info[:3]} {_PLATFORM} {version('uv')}"
    key = hashlib.sha256(tools.encode() + lock.read_bytes()).hexdigest()[:16]
    target = out / f"packages-{key}"
    if not target.exists():
        out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out, prefix="stage-") as stage:
            folder = Path(stage) / "packages"
            _install(lock, folder)
            _prune(folder)
            _compile(folder, f"/home/site/wwwroot/{_PACKAGES}")
            try:
                folder.replace(target)
            except OSError:
                if not target.exists():  # else somebody else has built the same meanwhile
                    raise
    return target


def _install(lock: Path, target: Path) -> None:
    command = [
        uv.find_uv_bin(), "pip", "install", "--quiet", "--no-config", "--require-hashes", "--only-binary", ":all:",
        "--python", sys.executable, "--python-version", PYTHON_VERSION, "--python-platform", _PLATFORM,
        "--link-mode", "copy", "--target", str(target), "--requirement", str(lock),
    ]  # fmt: skip
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (fixed command)
    if result.returncode:
        raise BundleError(f"the function's dependencies could not be installed:\n{result.stderr.strip()}")


def _prune(packages: Path) -> None:
    """Drops what the running app never reads, and what differs between installs (RECORD and the like)."""
    shutil.rmtree(packages / "bin", ignore_errors=True)
    for folder in [path for path in packages.rglob("*") if path.is_dir() and path.name in {"tests", "__pycache__"}]:
        shutil.rmtree(folder, ignore_errors=True)
    for path in [path for path in packages.rglob("*") if path.is_file()]:
        metadata = any(parent.suffix == ".dist-info" for parent in path.parents)
        kept_metadata = path.name in {"METADATA", "entry_points.txt"} or path.name.startswith("LICENSE")
        if path.suffix == ".pyi" or path.name == ".lock" or (metadata and not kept_metadata):
            path.unlink()


def _compile(folder: Path, prefix: str) -> None:
    # One worker: with several, some .pyc differ between runs (reference counts leak into marshal's flags).
    compileall.compile_dir(
        folder,
        quiet=1,
        force=True,
        workers=1,
        stripdir=str(folder),
        prependdir=prefix,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
    )


def _zip(folders: Mapping[Path, Path], target: Path) -> None:
    """Zips each folder under its place in the archive."""
    files = sorted(
        ((place / path.relative_to(folder)).as_posix(), path)
        for place, folder in folders.items()
        for path in folder.rglob("*")
        if path.is_file()
    )
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, path in files:
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix, whatever builds it: the mode bits below are Unix's
            entry.external_attr = (0o100755 if path.suffix == ".so" else 0o100644) << 16
            archive.writestr(entry, path.read_bytes(), compresslevel=6)
