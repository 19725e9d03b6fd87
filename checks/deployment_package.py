"""The deployment package in a pipeline: built once, then deployed to one stack after the other.

    python -m checks.deployment_package build --folder package
    python -m checks.deployment_package use --folder package

`build` puts the deployment package and its SHA-256 into a folder, which the pipeline hands on. `use` checks the digest
and that the program deploys exactly this package: the name of the file says what it was built from, and the program
builds another one only if its sources or tools differ. Exit code 1 otherwise, before anything is deployed.
"""

import argparse
import hashlib
import shutil
import sys
from pathlib import Path

from infra import DeploymentPackage, build_deployment_package
from scripts.installation import ROOT

_SOURCE = ROOT / "functions" / "pipeline"
_OUTPUT = ROOT / ".build"
# The format of sha256sum: `sha256sum --check SHA256SUMS` is the same check.
_DIGESTS = "SHA256SUMS"


class PackageMismatchError(Exception):
    """The package is not the one that was built, or not the one that the program deploys."""


def build(folder: Path, *, source: Path, output: Path) -> DeploymentPackage:
    """Build the deployment package, and put it and its digest into a folder.

    Args:
        folder: What the pipeline hands on.
        source: The folder of the app.
        output: Where the program looks for built packages.
    """
    package = build_deployment_package(source, output)
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(package.path, folder / package.path.name)
    (folder / _DIGESTS).write_text(f"{package.sha256}  {package.path.name}\n")
    return package


def use(folder: Path, *, source: Path, output: Path) -> DeploymentPackage:
    """Let the program deploy the package that is in a folder.

    Args:
        folder: What `build` has filled, here or on another machine.
        source: The folder of the app.
        output: Where the program looks for built packages.

    Raises:
        PackageMismatchError: The digest is another one, or the program would deploy another package.
    """
    expected, name = (folder / _DIGESTS).read_text().split()
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
    return package


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
        package = run(arguments.folder, source=_SOURCE, output=_OUTPUT)
    except (OSError, PackageMismatchError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"{package.sha256}  {package.path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
