"""Chromium for the tests of the gallery page: the distribution's package, not one that a test library downloads."""

import os
import shutil
from pathlib import Path

from scripts.installation import SetupError, log, run_command

# Debian has it as `chromium`; GitHub's and Azure DevOps's Ubuntu images have Google's builds.
_PROGRAMS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_HINT = "install Debian's package chromium (apt-get install chromium), or another Chromium or Chrome, on PATH"


def find_chromium() -> Path | None:
    """Return the path of the installed Chromium, or None."""
    for program in _PROGRAMS:
        path = shutil.which(program)
        if path is not None:
            return Path(path)
    return None


def install_chromium() -> Path:
    """Return the path of Chromium; install Debian's package if there is none and this user may.

    Raises:
        SetupError: There is no Chromium, and it cannot be installed; the message says what to do.
    """
    on_path = find_chromium()
    if on_path is not None:
        return on_path
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise SetupError(f"chromium: the tests of the gallery page need it; {_HINT}")
    log("chromium", "installing Debian's package")
    noninteractive = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        run_command("chromium", ["apt-get", "update", "--quiet"], environment=noninteractive)
        packages = ["--yes", "--quiet", "--no-install-recommends", "chromium"]
        run_command("chromium", ["apt-get", "install", *packages], environment=noninteractive)
    except SetupError as error:
        raise SetupError(f"{error}\nchromium: {_HINT}") from error
    installed = find_chromium()
    if installed is None:
        raise SetupError(f"chromium: apt-get installed none; {_HINT}")
    return installed
