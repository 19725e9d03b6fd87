"""A Pulumi CLI: the one on PATH, else the pinned one, built with Go."""

import re
import shutil
import subprocess
import time
from pathlib import Path

from steps import ROOT, TOOLS, SetupError, once, run, say

VERSION = "3.274.1"
# Error hooks, which the program registers (docs/decisions/0030): https://github.com/pulumi/pulumi/releases/tag/v3.219.0
_OLDEST = (3, 219)
# Packages that building the CLI compiles, to show how far it has come.
_PACKAGES = 2000


def require() -> None:
    """Checks, before anything else is downloaded, that there is a Pulumi CLI that will do, or Go to build one.

    Raises:
        SetupError: There is neither, or the CLI on PATH is too old.
    """
    own = shutil.which("pulumi")
    if own is not None:
        printed = subprocess.run([own, "version"], capture_output=True, text=True, check=False).stdout.strip()
        match = re.match(r"v?(\d+)\.(\d+)", printed)
        if match is not None and (int(match[1]), int(match[2])) < _OLDEST:
            raise SetupError(
                f"the Pulumi CLI on PATH ({own}) is {printed}; {_OLDEST[0]}.{_OLDEST[1]} or later is needed"
                " (https://www.pulumi.com/docs/install/), or none on PATH, and Go 1.26 to have one built"
            )
    if not (shutil.which("pulumi") or (_folder() / ".complete").exists() or shutil.which("go")):
        raise SetupError(
            "there is neither a Pulumi CLI nor Go on PATH; install Pulumi (https://www.pulumi.com/docs/install/),"
            " or Go 1.26 (https://go.dev/dl/) to have it built"
        )


def pulumi() -> str:
    """The CLI's path; it is built if it must be."""
    return shutil.which("pulumi") or str(once(_folder(), _build_pulumi) / "bin" / "pulumi")


def _folder() -> Path:
    return TOOLS / f"pulumi-{VERSION}"


def _build_pulumi(folder: Path) -> None:
    say("pulumi", f"building the CLI {VERSION} with Go; once, about four minutes on two cores")
    target = folder / "bin"
    flags = f"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v{VERSION}"
    build = ["go", "build", "-v", "-mod=readonly", "-ldflags", flags, "-o", f"{target}/"]
    progress = _Progress("pulumi", _PACKAGES)
    host = "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"
    for module, package in (("language-host", host), ("pulumi", "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi")):
        run("pulumi", [*build, package], folder=ROOT / "tools" / module, each_line=progress.line)
    locate = ["go", "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", "github.com/pulumi/pulumi/sdk/v3"]
    sdk = Path(subprocess.check_output(locate, cwd=ROOT / "tools" / "pulumi", text=True).strip()) / "python"
    for script in ("cmd/pulumi-language-python-exec", "dist/pulumi-resource-pulumi-python"):
        shutil.copyfile(sdk / script, target / Path(script).name)
        (target / Path(script).name).chmod(0o755)


class _Progress:
    """Says how far a build has come, every ten seconds."""

    def __init__(self, name: str, total: int) -> None:
        self._name, self._total, self._count = name, total, 0
        self._started = self._said = time.monotonic()

    def line(self, text: str) -> None:
        # `go build -v` names each package as it compiles it; other lines are downloads and errors.
        self._count += not text.startswith(("go: ", "#", "\t"))
        now = time.monotonic()
        if now - self._said >= 10:
            self._said = now
            say(self._name, f"{self._count} of about {self._total} packages, {now - self._started:.0f} s")
