"""The deployment packages in a pipeline: built once, then deployed to one stack after the other.

    python -m checks.deployment_package build --folder package
    python -m checks.deployment_package use --folder package

`build` puts the packages of both apps and their SHA-256 into a folder, which the pipeline hands on. `use` checks the
digests and that the program deploys exactly these packages: the name of a file says what it was built from, and the
program builds another one only if its sources or tools differ. Exit code 1 otherwise, before anything is deployed.
"""

import argparse
import hashlib
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from infra import DeploymentPackage, build_deployment_package
from scripts.installation import ROOT

_APP_FOLDERS = (ROOT / "functions" / "pipeline", ROOT / "functions" / "api")
_OUTPUT = ROOT / ".build"
# The format of sha256sum: `sha256sum --check SHA256SUMS` is the same check.
_DIGESTS = "SHA256SUMS"


class PackageMismatchError(Exception):
    """The package is not the one that was built, or not the one that the program deploys."""


def build(folder: Path, *, app_folders: Sequence[Path], output: Path) -> list[DeploymentPackage]:
    """Build the deployment packages, and put them and their digests into a folder.

    Args:
        folder: What the pipeline hands on.
        app_folders: The folders of the apps.
        output: Where the program looks for built packages.
    """
    packages = [build_deployment_package(source, output) for source in app_folders]
    folder.mkdir(parents=True, exist_ok=True)
    for package in packages:
        shutil.copyfile(package.path, folder / package.path.name)
    (folder / _DIGESTS).write_text("".join(f"{package.sha256}  {package.path.name}\n" for package in packages))
    return packages


def use(folder: Path, *, app_folders: Sequence[Path], output: Path) -> list[DeploymentPackage]:
    """Let the program deploy the packages that are in a folder.

    Args:
        folder: What `build` has filled, here or on another machine.
        app_folders: The folders of the apps.
        output: Where the program looks for built packages.

    Raises:
        PackageMismatchError: A digest is another one, or the program would deploy another package.
    """
    packages: list[DeploymentPackage] = []
    lines = (folder / _DIGESTS).read_text().splitlines()
    for source, line in zip(app_folders, lines, strict=True):
        expected, name = line.split()
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        if digest != expected:
            raise PackageMismatchError(f"{name} has the SHA-256 {digest}, and {expected} was built")
        output.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder / name, output / name)
        package = build_deployment_package(source, output)
        if package.sha256 != expected:
            raise PackageMismatchError(
                f"the program would deploy {package.path.name} ({package.sha256}) instead of {name} ({expected}): check"
                " out the commit that the package was built from, and use the same version of Python"
            )
        packages.append(package)
    return packages


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="python -m checks.deployment_package",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=("build", "use"))
    parser.add_argument("--folder", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        run = build if arguments.command == "build" else use
        packages = run(arguments.folder, app_folders=_APP_FOLDERS, output=_OUTPUT)
    except (OSError, PackageMismatchError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for package in packages:
        print(f"{package.sha256}  {package.path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
