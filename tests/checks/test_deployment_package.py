"""The deployment packages are built once, and every stack gets exactly these."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from checks import deployment_package
from checks.deployment_package import PackageMismatchError, use
from infra import DeploymentPackage, packaging

BUNDLE = {"extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"}}


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a small app without dependencies; `checks.deployment_package` builds it."""
    folder = tmp_path / "functions"
    (folder / "classifier").mkdir(parents=True)
    (folder / "function_app.py").write_text("app = None\n")
    (folder / "requirements.txt").write_text("")
    (folder / "host.json").write_text(json.dumps(BUNDLE))
    monkeypatch.setattr(packaging, "_install", lambda _lock, target: target.mkdir())
    monkeypatch.setattr(deployment_package, "_APP_FOLDERS", (folder,))
    monkeypatch.setattr(deployment_package, "_OUTPUT", tmp_path / "build")
    return folder


@pytest.fixture
def package(source: Path, tmp_path: Path) -> DeploymentPackage:
    """The package, built into the folder `package`."""
    (package,) = deployment_package.build(tmp_path / "package", app_folders=[source], output=tmp_path / "build")
    return package


def test_what_was_built_is_deployed_elsewhere_without_building(
    package: DeploymentPackage, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest, name = (tmp_path / "package" / "SHA256SUMS").read_text().split()
    copy = tmp_path / "package" / name
    assert digest == package.sha256 == hashlib.sha256(copy.read_bytes()).hexdigest()
    monkeypatch.setattr(packaging, "_install", lambda _lock, _target: pytest.fail("dependencies were installed"))
    (used,) = use(tmp_path / "package", app_folders=[source], output=tmp_path / "elsewhere")
    assert used == DeploymentPackage(path=tmp_path / "elsewhere" / name, sha256=digest)


def test_a_package_that_was_changed_on_its_way_is_refused(
    package: DeploymentPackage, source: Path, tmp_path: Path
) -> None:
    (tmp_path / "package" / package.path.name).write_bytes(b"other")
    with pytest.raises(PackageMismatchError, match=f"and {package.sha256} was built"):
        use(tmp_path / "package", app_folders=[source], output=tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()


def test_other_sources_than_those_of_the_package_are_refused(
    package: DeploymentPackage, source: Path, tmp_path: Path
) -> None:
    (source / "function_app.py").write_text("app = 1\n")
    with pytest.raises(PackageMismatchError, match=rf"instead of {package.path.name} .*: check out the commit"):
        use(tmp_path / "package", app_folders=[source], output=tmp_path / "elsewhere")


@pytest.mark.usefixtures("source")
def test_the_command_builds_and_uses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(tmp_path / "package")
    monkeypatch.setattr("sys.argv", ["deployment_package", "build", "--folder", folder])
    assert deployment_package.main() == 0
    first = capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["deployment_package", "use", "--folder", folder])
    assert deployment_package.main() == 0
    assert capsys.readouterr().out == first
    (tmp_path / "package" / "SHA256SUMS").unlink()
    assert deployment_package.main() == 1
    assert "SHA256SUMS" in capsys.readouterr().err


def test_the_packages_of_both_apps_are_handed_on(source: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(source, other)
    packages = deployment_package.build(tmp_path / "both", app_folders=[source, other], output=tmp_path / "build")
    assert [package.path.name.rpartition("-")[0] for package in packages] == ["functions-functions", "functions-other"]
    used = use(tmp_path / "both", app_folders=[source, other], output=tmp_path / "elsewhere")
    assert [package.sha256 for package in used] == [package.sha256 for package in packages]


def test_the_packages_are_those_of_the_apps() -> None:
    assert [path.name for path in deployment_package._APP_FOLDERS] == ["pipeline", "api"]
