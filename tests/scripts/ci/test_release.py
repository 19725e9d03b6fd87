"""What is released: notes and a bill of materials."""

import json
import sys
import zipfile
from pathlib import Path

import pytest

from scripts.ci import release_notes, sbom
from scripts.ci.errors import PipelineStepError

PYPROJECT = '[project]\nname = "p"\nversion = "0.2.0"\n'
CHANGELOG = """# Changelog

## Unreleased

## 0.2.0 - 2026-11-28

### Added

- Pipelines.

## 0.1.0 - 2026-11-23

- The first.
"""


@pytest.mark.parametrize("tag", ["v0.2.1", "0.2.0", "v0.2.0-rc1", ""])
def test_a_tag_that_is_not_the_version_is_refused(tag: str) -> None:
    with pytest.raises(PipelineStepError, match=rf"the tag is {tag}, not v0\.2\.0"):
        release_notes.version_of_tag(tag, PYPROJECT)


def test_the_tag_of_the_version_is_accepted() -> None:
    assert release_notes.version_of_tag("v0.2.0", PYPROJECT) == "0.2.0"


@pytest.mark.parametrize(("version", "text"), [("0.2.0", "### Added\n\n- Pipelines.\n"), ("0.1.0", "- The first.\n")])
def test_the_notes_are_the_section_of_the_version(version: str, text: str) -> None:
    assert release_notes.changelog_section(version, CHANGELOG) == text
    assert release_notes.changelog_section(version, CHANGELOG.replace(f"## {version}", f"## [{version}]")) == text


@pytest.mark.parametrize("version", ["0.3.0", "0.2", "0x2.0", "Unreleased"])
def test_a_version_without_a_section_is_refused(version: str) -> None:
    with pytest.raises(PipelineStepError, match=f"no section for {version}"):
        release_notes.changelog_section(version, CHANGELOG)


def test_the_notes_are_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pyproject.toml").write_text(PYPROJECT)
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    monkeypatch.setattr(sys, "argv", ["release_notes", "--tag", "v0.2.0", "--root", str(tmp_path)])
    assert release_notes.main() == 0
    assert capsys.readouterr().out == "### Added\n\n- Pipelines.\n"
    monkeypatch.setattr(sys, "argv", ["release_notes", "--tag", "v9", "--root", str(tmp_path)])
    assert release_notes.main() == 1
    assert "not v0.2.0" in capsys.readouterr().err


def package(path: Path) -> Path:
    """A deployment package with three Python packages."""
    folder = ".python_packages/lib/site-packages"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("function_app.py", "")
        archive.writestr(f"{folder}/yarl-1.9.dist-info/METADATA", "Name: yarl\nVersion: 1.9\nLicense: Apache-2.0\n")
        archive.writestr(
            f"{folder}/Azure_Core-1.0.dist-info/METADATA",
            "Name: Azure_Core\nVersion: 1.0\nLicense-Expression: MIT\nLicense: other\n\nText",
        )
        archive.writestr(
            f"{folder}/old-3.dist-info/METADATA", "Name: old\nVersion: 3\nLicense: Permission\n is granted\n"
        )
        # Vendored in another package: part of that one.
        archive.writestr(f"{folder}/old/_vendor/x-1.dist-info/METADATA", "Name: x\nVersion: 1\n")
    return path


def test_the_bill_of_materials_lists_what_is_in_the_package(tmp_path: Path) -> None:
    document = sbom.create_sbom(package(tmp_path / "functions.zip"), name="functions", version="0.2.0")
    assert document["components"] == [
        {
            "type": "library",
            "bom-ref": "pkg:pypi/azure-core@1.0",
            "name": "Azure_Core",
            "version": "1.0",
            "purl": "pkg:pypi/azure-core@1.0",
            "licenses": [{"license": {"name": "MIT"}}],
        },
        {
            "type": "library",
            "bom-ref": "pkg:pypi/old@3",
            "name": "old",
            "version": "3",
            "purl": "pkg:pypi/old@3",
        },
        {
            "type": "library",
            "bom-ref": "pkg:pypi/yarl@1.9",
            "name": "yarl",
            "version": "1.9",
            "purl": "pkg:pypi/yarl@1.9",
            "licenses": [{"license": {"name": "Apache-2.0"}}],
        },
    ]
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.6")
    assert document["metadata"]["component"]["version"] == "0.2.0"
    assert document["dependencies"] == [
        {"ref": "functions", "dependsOn": ["pkg:pypi/azure-core@1.0", "pkg:pypi/old@3", "pkg:pypi/yarl@1.9"]}
    ]


def test_the_same_package_has_the_same_bill_of_materials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    archive, output = package(tmp_path / "functions.zip"), tmp_path / "sbom.json"
    arguments = ["--package", str(archive), "--name", "functions", "--version", "1", "--output", str(output)]
    monkeypatch.setattr(sys, "argv", ["sbom", *arguments])
    assert sbom.main() == 0
    first = output.read_text()
    assert sbom.main() == 0
    assert output.read_text() == first
    assert json.loads(first)["serialNumber"].startswith("urn:uuid:")
    archive.write_bytes(b"no zip")
    assert sbom.main() == 1
    assert "cannot be read" in capsys.readouterr().err


def test_a_package_without_dependencies_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "functions.zip", "w") as archive:
        archive.writestr("function_app.py", "")
    with pytest.raises(PipelineStepError, match="has no Python packages"):
        sbom.read_packages(tmp_path / "functions.zip")
