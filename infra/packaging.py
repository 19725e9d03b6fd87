"""Deployment package: the function code and its dependencies as a zip file, byte for byte reproducible."""

import compileall
import hashlib
import json
import py_compile
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, cast

import uv

from infra.core.context import DeploymentPackage
from infra.core.errors import DeploymentPackageError

PYTHON_VERSION = "3.13"
# The package contains these files of the app's folder and no others; a test compares them with the folder.
_FILE_PATTERNS = (
    "function_app.py",
    "host.json",
    "requirements.txt",
    "classifier/**/*.py",
    "image_api/**/*.py",
    # The page that the API app serves.
    "page/**/*",
)
# The Python package that all apps share lies beside their folders.
_SHARED_PACKAGE = "common"
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


def build_deployment_package(source: Path, output: Path) -> DeploymentPackage:
    """Build the deployment package of the app in the folder `source`; takes milliseconds when nothing has changed.

    The zip holds the app's files, the package `common`, the app's locked dependencies under `.python_packages` as Linux
    wheels, and the bytecode of all: without it every cold start would compile for about a second. Names are sorted,
    dates fixed, bytecode unchecked against the (dateless) sources.

    Args:
        source: Folder of the app.
        output: Folder in which the package is stored, and installed dependencies are cached.

    Raises:
        DeploymentPackageError: The package cannot be built.
    """
    if f"{sys.version_info.major}.{sys.version_info.minor}" != PYTHON_VERSION:
        raise DeploymentPackageError(
            f"the package holds bytecode for Python {PYTHON_VERSION}; this is {sys.version.split()[0]}"
        )
    _check_extension_bundle(source / "host.json")
    lock = source / "requirements.txt"
    target = output / f"functions-{source.name}-{_key(source, _packages_folder(lock, output))}.zip"
    # A pipeline that has built the package once needs no package index to deploy it.
    if not target.exists():
        packages = _install_packages(lock, output)
        with tempfile.TemporaryDirectory(dir=output, prefix="stage-") as stage:
            code = Path(stage) / "code"
            archive = Path(stage) / "package.zip"
            for name, path in package_files(source).items():
                (code / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, code / name)
            _compile(code, "/home/site/wwwroot")
            _zip({Path(): code, _PACKAGES: packages}, archive)
            archive.replace(target)
    return DeploymentPackage(path=target, sha256=hashlib.sha256(target.read_bytes()).hexdigest())


def package_files(source: Path) -> dict[Path, Path]:
    """The files that the package contains, by their sorted paths in it.

    They are those of the app's folder `source`, and those of the package `common` beside it.
    """
    files = {path.relative_to(source): path for pattern in _FILE_PATTERNS for path in source.glob(pattern)}
    files |= {path.relative_to(source.parent): path for path in (source.parent / _SHARED_PACKAGE).glob("**/*.py")}
    return {name: files[name] for name in sorted(files) if files[name].is_file()}


def _check_extension_bundle(host_json: Path) -> None:
    """Check that the host will know the app's triggers.

    Without an extension bundle it knows HTTP and timer triggers only
    (https://learn.microsoft.com/azure/azure-functions/functions-bindings-register). A function with any other trigger
    then never runs, and Azure lists it all the same, so that nothing after this check would notice.

    Raises:
        DeploymentPackageError: host.json is not a JSON object, or names no extension bundle, or another one.
    """
    try:
        document: Any = json.loads(host_json.read_text())
    except (OSError, ValueError) as error:
        raise DeploymentPackageError(f"{host_json} cannot be read: {error}") from error
    declared: Any = None
    if isinstance(document, dict):
        declared = cast("dict[str, Any]", document).get("extensionBundle")
    extension_bundle: dict[str, Any] = {}
    if isinstance(declared, dict):
        extension_bundle = cast("dict[str, Any]", declared)
    if (
        extension_bundle.get("id") == _EXTENSION_BUNDLE_ID
        and extension_bundle.get("version") in _EXTENSION_BUNDLE_VERSIONS
    ):
        return
    required = json.dumps({"id": _EXTENSION_BUNDLE_ID, "version": _EXTENSION_BUNDLE_VERSIONS[0]})
    raise DeploymentPackageError(
        f"{host_json}: extensionBundle is {json.dumps(declared)}. Set it to {required}: without this extension bundle "
        "the Functions host has no queue trigger, and Azure would list the functions that need one and never run them."
    )


def _key(source: Path, packages: Path) -> str:
    digest = hashlib.sha256(packages.name.encode())
    for name, path in package_files(source).items():
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"\n{name.as_posix()} {content}".encode())
    return digest.hexdigest()[:16]


def _packages_folder(lock: Path, output: Path) -> Path:
    """The folder of the installed dependencies; another lock or other tools mean another folder."""
    tools = f"{_BUILDER_VERSION} {sys.version_info[:3]} {_PLATFORM} {version('uv')}"
    key = hashlib.sha256(tools.encode() + lock.read_bytes()).hexdigest()[:16]
    return output / f"packages-{key}"


def _install_packages(lock: Path, output: Path) -> Path:
    """The installed, pruned and compiled dependencies; only a changed lock needs the network."""
    target = _packages_folder(lock, output)
    if not target.exists():
        output.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=output, prefix="stage-") as stage:
            folder = Path(stage) / "packages"
            _install(lock, folder)
            _prune(folder)
            _compile(folder, f"/home/site/wwwroot/{_PACKAGES}")
            try:
                folder.replace(target)
            except OSError:
                if not target.exists():  # else another process has built the same meanwhile
                    raise
    return target


def _install(lock: Path, target: Path) -> None:
    command = [uv.find_uv_bin(), "pip", "install", "--quiet", "--no-config", "--require-hashes"]
    command += ["--only-binary", ":all:", "--link-mode", "copy"]
    command += ["--python", sys.executable, "--python-version", PYTHON_VERSION, "--python-platform", _PLATFORM]
    command += ["--target", str(target), "--requirement", str(lock)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (fixed command)
    if result.returncode:
        raise DeploymentPackageError(f"the function's dependencies could not be installed:\n{result.stderr.strip()}")


def _prune(packages: Path) -> None:
    """Remove what the running app never reads, and what differs between installs (RECORD and the like)."""
    shutil.rmtree(packages / "bin", ignore_errors=True)
    for folder in [path for path in packages.rglob("*") if path.is_dir() and path.name in {"tests", "__pycache__"}]:
        shutil.rmtree(folder, ignore_errors=True)
    for path in [path for path in packages.rglob("*") if path.is_file()]:
        metadata = any(parent.suffix == ".dist-info" for parent in path.parents)
        runtime_metadata = path.name in {"METADATA", "entry_points.txt"} or path.name.startswith("LICENSE")
        if path.suffix == ".pyi" or path.name == ".lock" or (metadata and not runtime_metadata):
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
    """Write a zip file; `folders` maps paths in the archive to the folders whose files are stored there."""
    files = sorted(
        ((prefix / path.relative_to(folder)).as_posix(), path)
        for prefix, folder in folders.items()
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
