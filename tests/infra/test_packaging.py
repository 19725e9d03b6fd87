"""Deployment package: the same bytes wherever it is built, and no file that the app does not need."""

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

import pytest

from infra.core.errors import DeploymentPackageError
from infra.packaging import build_deployment_package, package_files
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The deployment package, built in another folder with the dependencies that are installed already."""
    out = tmp_path_factory.mktemp("out")
    for packages in (ROOT / ".build").glob("packages-*"):
        shutil.copytree(packages, out / packages.name)
    return build_deployment_package(ROOT / "functions/pipeline", out).path


def test_two_builds_in_two_places_are_byte_for_byte_the_same(package: Path) -> None:
    here = build_deployment_package(ROOT / "functions/pipeline", ROOT / ".build")
    assert here.path.name == package.name
    assert here.sha256 == hashlib.sha256(package.read_bytes()).hexdigest()


def test_it_holds_the_code_its_packages_and_their_bytecode(package: Path) -> None:
    names = set(zipfile.ZipFile(package).namelist())
    assert {path.as_posix() for path in package_files(ROOT / "functions/pipeline")} <= names
    packages = ".python_packages/lib/site-packages"
    assert f"{packages}/azure/cosmos/__init__.py" in names
    assert f"{packages}/azure/cosmos/__pycache__/__init__.cpython-313.pyc" in names
    assert "classifier/use_cases/__pycache__/classify.cpython-313.pyc" in names
    assert "common/domain/__pycache__/record.cpython-313.pyc" in names


def test_it_holds_nothing_that_differs_between_installs(package: Path) -> None:
    with zipfile.ZipFile(package) as archive:
        entries = archive.infolist()
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert not [entry.filename for entry in entries if entry.filename.endswith(("/RECORD", "/INSTALLER", ".pyi"))]


@pytest.mark.parametrize("changed", ["pipeline/classifier/domain/image_checks.py", "common/domain/record.py"])
def test_a_change_of_code_is_another_package_without_installing_again(tmp_path: Path, changed: str) -> None:
    source, out = tmp_path / "functions/pipeline", tmp_path / "out"
    shutil.copytree(ROOT / "functions", source.parent, ignore=shutil.ignore_patterns("__pycache__"))
    for packages in (ROOT / ".build").glob("packages-*"):
        (out / packages.name).mkdir(parents=True)
    before = build_deployment_package(source, out)
    (source.parent / changed).write_text("# changed\n")
    after = build_deployment_package(source, out)
    assert before.sha256 != after.sha256
    assert before.path != after.path


def test_a_lock_that_cannot_be_met_is_refused_with_the_reason(tmp_path: Path) -> None:
    source = tmp_path / "functions"
    shutil.copytree(ROOT / "functions/pipeline", source, ignore=shutil.ignore_patterns("__pycache__"))
    (source / "requirements.txt").write_text("no-such-package\n")
    with pytest.raises(DeploymentPackageError, match="no-such-package"):
        build_deployment_package(source, tmp_path / "out")
    assert not list((tmp_path / "out").glob("functions-*"))
    assert not list((tmp_path / "out").glob("packages-*"))


BUNDLE_ID = "Microsoft.Azure.Functions.ExtensionBundle"


@pytest.mark.parametrize(
    "declared",
    [
        None,
        {},
        "Microsoft.Azure.Functions.ExtensionBundle",
        {"id": BUNDLE_ID},
        {"version": "[4.*, 5.0.0)"},
        {"id": f"{BUNDLE_ID}.Preview", "version": "[4.*, 5.0.0)"},
        {"id": BUNDLE_ID, "version": "[3.*, 4.0.0)"},
        {"id": BUNDLE_ID, "version": "[4.35.0, 4.36.0)"},
    ],
)
def test_a_package_whose_host_would_have_no_queue_trigger_is_refused(tmp_path: Path, declared: object) -> None:
    source = tmp_path / "functions"
    shutil.copytree(ROOT / "functions/pipeline", source, ignore=shutil.ignore_patterns("__pycache__"))
    host = json.loads((source / "host.json").read_text())
    del host["extensionBundle"]
    (source / "host.json").write_text(json.dumps(host if declared is None else host | {"extensionBundle": declared}))
    with pytest.raises(
        DeploymentPackageError, match=r'extensionBundle is .* Set it to \{"id": .*"\[4\.\*, 5\.0\.0\)"\}'
    ):
        build_deployment_package(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_host_json_that_is_not_json_is_refused(tmp_path: Path) -> None:
    (tmp_path / "host.json").write_text("{")
    with pytest.raises(DeploymentPackageError, match=r"host\.json cannot be read"):
        build_deployment_package(tmp_path, tmp_path / "out")
