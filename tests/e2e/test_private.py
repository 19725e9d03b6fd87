"""A private stack in the emulator: deployed, used from inside its network, refused from outside, destroyed."""

import json
import subprocess
from importlib.resources import files
from pathlib import Path

import pytest

from tests.e2e.conftest import Checkout

pytestmark = pytest.mark.emulator


def test_a_private_stack_is_used_from_inside_its_network_only(checkout: Checkout, tmp_path: Path) -> None:
    def local(*arguments: str, succeeds: bool = True) -> subprocess.CompletedProcess[str]:
        result = checkout.emulator("--state-directory", str(tmp_path / "state"), *arguments)
        assert (result.returncode == 0) is succeeds, result.stdout[-4000:] + result.stderr[-4000:]
        return result

    # Before the emulator's network is in the environment: packages are downloaded for it once.
    build = (
        "from pathlib import Path; from infra import build_deployment_package;"
        ' [build_deployment_package(Path("functions") / app, Path(".build")) for app in ("pipeline", "api")]'
    )
    subprocess.run([checkout.root / ".venv/bin/python", "-c", build], cwd=checkout.root, check=True)
    photo = str(files("skimage.data") / "chelsea.png")
    upload = ["--", "python", "-m", "client", "classify", "--format", "json", "--", photo]
    try:
        local("start")
        local(
            "pulumi", "--", "local", "up", "--yes", "--skip-preview", "--config", "image-pipeline:networkAccess=private"
        )
        # The API can be reached from anywhere, and the storage account cannot.
        refusal = local("exec", *upload, succeeds=False)
        assert "the storage account refused the upload with 403 AuthorizationFailure" in refusal.stdout
        used = local("exec", "--virtual-network", "vnet-imgpipe-local", *upload)
        assert json.loads(used.stdout)["status"] == "classified"
        # Fails if the subnet is not released; whether that takes a wait depends on what is deleted in between.
        destroyed = local("down")
        assert "image-pipeline:SubnetReleaseDelay" in destroyed.stdout
    finally:
        checkout.emulator("--state-directory", str(tmp_path / "state"), "stop")
