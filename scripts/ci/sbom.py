"""A CycloneDX software bill of materials of the deployment package, from the metadata of the packages that are in it.

    python -m scripts.ci.sbom --package functions.zip --name image-pipeline-functions --version 0.2.0 --output sbom.json

The format is https://cyclonedx.org/docs/1.6/json/. The same deployment package gives the same document.
"""

import argparse
import email
import hashlib
import json
import re
import sys
import uuid
import zipfile
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

from scripts.ci.errors import PipelineStepError

_METADATA = re.compile(r"\.python_packages/lib/site-packages/[^/]+\.dist-info/METADATA")


@dataclass(frozen=True, order=True, kw_only=True)
class PythonPackage:
    """A Python package that is part of the deployment package; `license` is as the package's metadata states it."""

    name: str
    version: str
    license: str | None

    @property
    def purl(self) -> str:
        """The package URL: https://github.com/package-url/purl-spec."""
        normalized = re.sub(r"[-_.]+", "-", self.name).lower()
        return f"pkg:pypi/{normalized}@{self.version}"


def read_packages(archive: Path) -> list[PythonPackage]:
    """Return the Python packages in a deployment package, sorted by name.

    Raises:
        PipelineStepError: The file is no zip file, or has no Python packages.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            names = [name for name in file.namelist() if _METADATA.fullmatch(name)]
            packages = [_parse(email.message_from_bytes(file.read(name))) for name in names]
    except (OSError, zipfile.BadZipFile) as error:
        raise PipelineStepError(f"{archive} cannot be read: {error}") from error
    if not packages:
        raise PipelineStepError(f"{archive} has no Python packages")
    return sorted(packages, key=lambda package: package.name.lower())


def _parse(metadata: Message) -> PythonPackage:
    license_name = metadata.get("License-Expression") or metadata.get("License")
    # Old packages have the whole text of the license in this field.
    if license_name is not None and "\n" in license_name:
        license_name = None
    return PythonPackage(name=metadata["Name"], version=metadata["Version"], license=license_name)


def create_sbom(archive: Path, *, name: str, version: str) -> dict[str, Any]:
    """Return the bill of materials of a deployment package.

    Args:
        archive: The deployment package.
        name: The name of what is released.
        version: The version of what is released.

    Raises:
        PipelineStepError: The deployment package cannot be read.
    """
    packages = read_packages(archive)
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, digest)}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": name,
                "name": name,
                "version": version,
                "hashes": [{"alg": "SHA-256", "content": digest}],
            }
        },
        "components": [_component(package) for package in packages],
        "dependencies": [{"ref": name, "dependsOn": [package.purl for package in packages]}],
    }


def _component(package: PythonPackage) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": package.purl,
        "name": package.name,
        "version": package.version,
        "purl": package.purl,
    }
    if package.license is not None:
        component["licenses"] = [{"license": {"name": package.license}}]
    return component


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.ci.sbom",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--package", type=Path, required=True, help="the deployment package")
    parser.add_argument("--name", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--output", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        document = create_sbom(arguments.package, name=arguments.name, version=arguments.version)
    except PipelineStepError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    arguments.output.write_text(json.dumps(document, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
