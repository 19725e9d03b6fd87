"""Steps of building the deployment package, each on a small folder: installing, pruning, compiling and zipping."""

import json
import marshal
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from types import CodeType, SimpleNamespace
from typing import Any

import pytest
import uv

from infra import packaging
from infra.core.errors import DeploymentPackageError
from infra.packaging import build_deployment_package, package_files
from tests.conftest import ROOT

BUNDLE_ID = "Microsoft.Azure.Functions.ExtensionBundle"


def write(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {name}\n")


def files(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_what_the_app_never_reads_is_pruned(tmp_path: Path) -> None:
    runtime_files = [
        "pkg/mod.py",
        "pkg/native.so",
        "pkg/tests.py",
        "pkg/contests/mod.py",
        "pkg/bin/tool.py",
        "pkg/LICENSE",
        "pkg/RECORD",
        "pkg/METADATA.txt",
        "pkg-1.dist-info/METADATA",
        "pkg-1.dist-info/entry_points.txt",
        "pkg-1.dist-info/LICENSE",
        "pkg-1.dist-info/licenses/LICENSE.txt",
    ]
    pruned = [
        "bin/tool",
        "pkg/mod.pyi",
        "pkg/tests/test_mod.py",
        "pkg/deep/tests/data/x.json",
        "pkg/tests/__pycache__/test_mod.pyc",
        "pkg/__pycache__/mod.pyc",
        ".lock",
        "pkg/.lock",
        "pkg-1.dist-info/RECORD",
        "pkg-1.dist-info/INSTALLER",
        "pkg-1.dist-info/METADATA.bak",
        "pkg-1.dist-info/licenses/NOTICE",
    ]
    write(tmp_path, *runtime_files, *pruned)
    packaging._prune(tmp_path)
    assert files(tmp_path) == {*runtime_files}


def test_bytecode_is_unchecked_and_knows_where_it_will_run(tmp_path: Path) -> None:
    write(tmp_path, "pkg/mod.py")
    packaging._compile(tmp_path, "/home/site/wwwroot")
    content = (tmp_path / "pkg/__pycache__/mod.cpython-313.pyc").read_bytes()
    # Flags of PEP 552: by hash (1), and not compared with the source (2 is not set).
    assert int.from_bytes(content[4:8], "little") == 1
    code = marshal.loads(content[16:])
    assert isinstance(code, CodeType)
    assert code.co_filename == "/home/site/wwwroot/pkg/mod.py"


def test_bytecode_is_made_again_for_a_changed_source(tmp_path: Path) -> None:
    write(tmp_path, "mod.py")
    packaging._compile(tmp_path, "/x")
    before = (tmp_path / "__pycache__/mod.cpython-313.pyc").read_bytes()
    (tmp_path / "mod.py").write_text("VALUE = 1\n")
    packaging._compile(tmp_path, "/x")
    assert (tmp_path / "__pycache__/mod.cpython-313.pyc").read_bytes() != before


def test_the_bytecode_names_the_folder_where_the_app_runs() -> None:
    """As Azure mounts the package: /home/site/wwwroot."""
    packages = ".python_packages/lib/site-packages"
    with zipfile.ZipFile(build_deployment_package(ROOT / "functions/pipeline", ROOT / ".build").path) as archive:
        for cached, source in (
            ("classifier/__pycache__/triggers.cpython-313.pyc", "classifier/triggers.py"),
            (f"{packages}/azure/cosmos/__pycache__/__init__.cpython-313.pyc", f"{packages}/azure/cosmos/__init__.py"),
        ):
            code = marshal.loads(archive.read(cached)[16:])
            assert code.co_filename == f"/home/site/wwwroot/{source}"


def test_entries_are_sorted_over_all_folders_and_have_fixed_attributes(tmp_path: Path) -> None:
    write(tmp_path / "code", "b.py", "a/native.so", "z/c.py")
    write(tmp_path / "packages", "x.py")
    packaging._zip({Path(): tmp_path / "code", Path("p/q"): tmp_path / "packages"}, tmp_path / "out.zip")
    with zipfile.ZipFile(tmp_path / "out.zip") as archive:
        entries = archive.infolist()
        assert archive.read("p/q/x.py") == b"# x.py\n"
    assert [(entry.filename, oct(entry.external_attr >> 16)) for entry in entries] == [
        ("a/native.so", "0o100755"),
        ("b.py", "0o100644"),
        ("p/q/x.py", "0o100644"),
        ("z/c.py", "0o100644"),
    ]
    for entry in entries:
        assert entry.date_time == (1980, 1, 1, 0, 0, 0)
        assert entry.create_system == 3
        assert entry.compress_type == zipfile.ZIP_DEFLATED


def test_packages_are_installed_by_hash_for_the_platform_of_the_app(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands: list[list[str]] = []

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        assert options == {"capture_output": True, "text": True, "check": False}
        commands.append(command)
        return subprocess.CompletedProcess(command, returncode=len(commands) - 1, stdout="", stderr="  no such thing\n")

    monkeypatch.setattr(subprocess, "run", run)
    packaging._install(tmp_path / "lock.txt", tmp_path / "target")
    with pytest.raises(DeploymentPackageError) as refusal:
        packaging._install(tmp_path / "lock.txt", tmp_path / "target")
    assert str(refusal.value) == "the function's dependencies could not be installed:\nno such thing"
    expected = (
        f"{uv.find_uv_bin()} pip install --quiet --no-config --require-hashes --only-binary :all: --link-mode copy"
        f" --python {sys.executable} --python-version 3.13 --python-platform x86_64-manylinux_2_28"
        f" --target {tmp_path / 'target'} --requirement {tmp_path / 'lock.txt'}"
    )
    assert commands == [expected.split()] * 2


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The locks that were installed; a package of one module takes the place of all others."""
    locks: list[Path] = []

    def install(lock: Path, target: Path) -> None:
        locks.append(lock)
        write(target, "pkg/mod.py", "pkg/mod.pyi")

    monkeypatch.setattr(packaging, "_install", install)
    return locks


def test_packages_are_installed_once_for_a_lock(tmp_path: Path, installed: list[Path]) -> None:
    lock, out = tmp_path / "lock.txt", tmp_path / "deep/out"
    lock.write_text("one")
    first = packaging._install_packages(lock, out)
    assert files(first) == {"pkg/mod.py", "pkg/__pycache__/mod.cpython-313.pyc"}
    assert packaging._install_packages(lock, out) == first
    assert len(installed) == 1
    lock.write_text("two")
    assert packaging._install_packages(lock, out) != first
    assert len(installed) == 2
    assert sorted(path.name.partition("-")[0] for path in out.iterdir()) == ["packages", "packages"]


@pytest.mark.usefixtures("installed")
def test_of_two_builds_at_once_the_first_to_finish_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, out = tmp_path / "lock.txt", tmp_path / "out"
    lock.write_text("one")

    def replace(_self: Path, target: Path) -> None:
        write(target, "of-the-other-build.py")
        raise OSError("not empty")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replace)
        target = packaging._install_packages(lock, out)
    assert files(target) == {"of-the-other-build.py"}

    def fail(_self: Path, _target: Path) -> None:
        raise OSError("no space")

    lock.write_text("two")
    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        packaging._install_packages(lock, out)


def app(tmp_path: Path, extension_bundle: object = None) -> Path:
    """The source of a small app."""
    source = tmp_path / "functions"
    write(source, "function_app.py", "requirements.txt", "classifier/a.py", "classifier/deep/b.py")
    declared = extension_bundle or {"id": BUNDLE_ID, "version": "[4.*, 5.0.0)"}
    (source / "host.json").write_text(json.dumps({"extensionBundle": declared}))
    return source


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("versions", ["[4.*, 5.0.0)", "[4.0.0, 5.0.0)"])
def test_both_spellings_of_the_supported_extension_bundle_are_accepted(tmp_path: Path, versions: str) -> None:
    source = app(tmp_path, {"id": BUNDLE_ID, "version": versions})
    write(source, "README.md", "classifier/data.json", "local.settings.json")
    package = build_deployment_package(source, tmp_path / "out")
    packages = ".python_packages/lib/site-packages/pkg"
    assert zipfile.ZipFile(package.path).namelist() == [
        f"{packages}/__pycache__/mod.cpython-313.pyc",
        f"{packages}/mod.py",
        "__pycache__/function_app.cpython-313.pyc",
        "classifier/__pycache__/a.cpython-313.pyc",
        "classifier/a.py",
        "classifier/deep/__pycache__/b.cpython-313.pyc",
        "classifier/deep/b.py",
        "function_app.py",
        "host.json",
        "requirements.txt",
    ]
    assert [path.as_posix() for path in package_files(source)] == [
        "classifier/a.py",
        "classifier/deep/b.py",
        "function_app.py",
        "host.json",
        "requirements.txt",
    ]
    # Nothing of the stages is left.
    archive, packages = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert re.fullmatch(r"functions-\w+-[0-9a-f]{16}\.zip", archive)
    assert re.fullmatch(r"packages-[0-9a-f]{16}", packages)


@pytest.mark.usefixtures("installed")
def test_a_moved_file_is_another_package(tmp_path: Path) -> None:
    source = app(tmp_path)
    before = build_deployment_package(source, tmp_path / "out")
    (source / "classifier/a.py").rename(source / "classifier/c.py")
    assert build_deployment_package(source, tmp_path / "out").path != before.path


@pytest.mark.parametrize("document", ["[]", "5", '"text"', '{"extensionBundle": []}'])
def test_a_host_json_of_another_form_is_refused(tmp_path: Path, document: str) -> None:
    (tmp_path / "host.json").write_text(document)
    with pytest.raises(DeploymentPackageError, match=r"host\.json: extensionBundle is (null|\[\])\. Set it to "):
        build_deployment_package(tmp_path, tmp_path / "out")


def test_another_python_cannot_make_the_bytecode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = SimpleNamespace(version_info=SimpleNamespace(major=3, minor=14), version="3.14.1 (main)")
    monkeypatch.setattr(packaging, "sys", other)
    with pytest.raises(DeploymentPackageError) as refusal:
        build_deployment_package(tmp_path, tmp_path / "out")
    assert str(refusal.value) == "the package holds bytecode for Python 3.13; this is 3.14.1"


def test_a_built_package_is_used_again_without_its_dependencies(tmp_path: Path, installed: list[Path]) -> None:
    """A pipeline builds the package once, and deploys it on another machine."""
    source = app(tmp_path)
    package = build_deployment_package(source, tmp_path / "out")
    assert len(installed) == 1
    (tmp_path / "elsewhere").mkdir()
    copy = tmp_path / "elsewhere" / package.path.name
    copy.write_bytes(package.path.read_bytes())
    again = build_deployment_package(source, tmp_path / "elsewhere")
    assert (again.path, again.sha256) == (copy, package.sha256)
    assert len(installed) == 1
