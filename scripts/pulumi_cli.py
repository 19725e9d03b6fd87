"""The Pulumi CLI: the one on PATH if there is one, otherwise the pinned one, built with Go."""

import re
import shutil
import subprocess
import time
from pathlib import Path

from scripts.installation import ROOT, TOOLS, SetupError, install_once, log, run_command

VERSION = "3.274.1"
# Error hooks, which the program registers (docs/decisions/0030): https://github.com/pulumi/pulumi/releases/tag/v3.219.0
_OLDEST = (3, 219)
# Go modules in scripts/, and the package of each that is built.
_GO_PACKAGES = {
    "language-host": "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python",
    "pulumi": "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
}
# Go packages that the build compiles, measured; the progress report counts towards it.
_COMPILED_PACKAGES = 2000
_REPORT_SECONDS = 10


def check_prerequisites() -> None:
    """Check, before anything is downloaded, that there is a suitable Pulumi CLI, or Go to build one.

    Raises:
        SetupError: There is neither, or the CLI on PATH is too old.
    """
    on_path = shutil.which("pulumi")
    if on_path is not None:
        version = subprocess.run([on_path, "version"], capture_output=True, text=True, check=False).stdout.strip()
        match = re.match(r"v?(\d+)\.(\d+)", version)
        if match is not None and (int(match[1]), int(match[2])) < _OLDEST:
            raise SetupError(
                f"the Pulumi CLI on PATH ({on_path}) is {version}; {_OLDEST[0]}.{_OLDEST[1]} or later is needed"
                " (https://www.pulumi.com/docs/install/), or none on PATH, and Go 1.26 to have one built"
            )
        return
    is_built = (_folder() / ".complete").exists()
    if not is_built and shutil.which("go") is None:
        raise SetupError(
            "there is neither a Pulumi CLI nor Go on PATH; install Pulumi (https://www.pulumi.com/docs/install/),"
            " or Go 1.26 (https://go.dev/dl/) to have it built"
        )


def install_pulumi() -> str:
    """Return the path of the Pulumi CLI, which is built first if PATH has none."""
    on_path = shutil.which("pulumi")
    if on_path is not None:
        return on_path
    return str(install_once(_folder(), _build) / "bin" / "pulumi")


def _folder() -> Path:
    return TOOLS / f"pulumi-{VERSION}"


def _build(folder: Path) -> None:
    log("pulumi", f"building the CLI {VERSION} with Go; once, about four minutes on two cores")
    target = folder / "bin"
    flags = f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{VERSION}"
    build = ["go", "build", "-v", "-mod=readonly", "-ldflags", flags, "-o", f"{target}/"]
    progress = _BuildProgress()
    for module, package in _GO_PACKAGES.items():
        run_command("pulumi", [*build, package], folder=ROOT / "scripts" / module, on_line=progress.on_line)
    locate = ["go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", "github.com/pulumi/pulumi/sdk/v3"]
    sdk = Path(subprocess.check_output(locate, cwd=ROOT / "scripts" / "pulumi", text=True).strip()) / "python"
    for script in ("cmd/pulumi-language-python-exec", "dist/pulumi-resource-pulumi-python"):
        shutil.copyfile(sdk / script, target / Path(script).name)
        (target / Path(script).name).chmod(0o755)


class _BuildProgress:
    """Reports every ten seconds how many packages a build has compiled."""

    def __init__(self) -> None:
        self._count = 0
        self._started = time.monotonic()
        self._last_report = self._started

    def on_line(self, text: str) -> None:
        # `go build -v` prints the name of each package that it compiles; other lines are downloads and errors.
        if not text.startswith(("go: ", "#", "\t")):
            self._count += 1
        now = time.monotonic()
        if now - self._last_report >= _REPORT_SECONDS:
            self._last_report = now
            log("pulumi", f"{self._count} of about {_COMPILED_PACKAGES} packages, {now - self._started:.0f} s")
