"""actionlint, which checks the GitHub workflows: the one on PATH if there is one, otherwise built with Go.

Its package for Python has no wheel, and downloads the program when it is installed.
"""

import shutil
from pathlib import Path

from scripts.installation import ROOT, TOOLS, SetupError, install_once, log, run_command

VERSION = "1.7.12"


def install_actionlint() -> str:
    """Return the path of actionlint, which is built first if PATH has none.

    Raises:
        SetupError: There is neither actionlint nor Go.
    """
    on_path = shutil.which("actionlint")
    if on_path is not None:
        return on_path
    return str(install_once(TOOLS / f"actionlint-{VERSION}", _build) / "bin" / "actionlint")


def _build(folder: Path) -> None:
    if shutil.which("go") is None:
        raise SetupError(
            "`make check` needs actionlint (https://github.com/rhysd/actionlint), or Go to have it built"
            " (https://go.dev/dl/); neither is on PATH"
        )
    log("actionlint", f"building {VERSION} with Go; once, a few seconds")
    command = ["go", "build", "-mod=readonly", "-o", f"{folder / 'bin'}/", "github.com/rhysd/actionlint/cmd/actionlint"]
    run_command("actionlint", command, folder=ROOT / "scripts" / "actionlint")
