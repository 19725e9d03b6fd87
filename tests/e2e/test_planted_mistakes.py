"""Mistakes that Azure would punish late or silently are refused by the deployment, which says what to do."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from tests.e2e.conftest import Checkout
from tests.e2e.test_local_stack import steps

pytestmark = pytest.mark.emulator

# By file: what is there, and what stands there with the mistake.
Mistake = Mapping[str, tuple[str, str]]


@contextmanager
def planted(local_stack: Checkout, mistake: Mistake) -> Iterator[None]:
    originals = {name: (local_stack.root / name).read_text() for name in mistake}
    try:
        for name, (right, wrong) in mistake.items():
            assert originals[name].count(right) == 1, (name, right)
            (local_stack.root / name).write_text(originals[name].replace(right, wrong))
        yield
    finally:
        for name, text in originals.items():
            (local_stack.root / name).write_text(text)


_AFTER_ROLE_ASSIGNMENTS = "opts=ResourceOptions(depends_on=[role_assignment_delay]),"
_AFTER_ROLE_DEFINITIONS = "role_definition_delay=role_definition_delay,"
ORDER: dict[str, tuple[Mistake, str, str]] = {
    "subscription before its roles": (
        {"__main__.py": (f"scheduled,\n    {_AFTER_ROLE_ASSIGNMENTS}", "scheduled,")},
        "subscription-after-roles",
        "let it depend on the delay behind the role assignments",
    ),
    "custom role assigned at once": (
        {
            "__main__.py": (
                f"function_identity.principal,\n    {_AFTER_ROLE_DEFINITIONS}",
                "function_identity.principal,",
            )
        },
        "custom-role-after-replication",
        "let it depend on the delay behind the definition",
    ),
    "two private endpoints at once": (
        {
            "infra/components/network.py": ("depends_on=[*self.endpoints]", "depends_on=[]"),
            "stacks/Pulumi.local.yaml": ("config:\n", "config:\n  image-pipeline:networkAccess: private\n"),
        },
        "private-endpoints-one-by-one",
        "let one depend on the other",
    ),
    "Cosmos DB containers at once": (
        {"infra/components/cosmos.py": ("depends_on=[*self._sequence], ", "")},
        "cosmos-one-by-one",
        "let one depend on the other",
    ),
}


@pytest.mark.parametrize("name", ORDER)
def test_a_wrong_order_is_refused_before_anything_changes(local_stack: Checkout, name: str) -> None:
    mistake, rule, advice = ORDER[name]
    with planted(local_stack, mistake):
        failure = local_stack.deploy(check=False)
    assert failure.returncode != 0
    assert re.search(rf"\[mandatory\]\s+{rule}", failure.stdout)
    assert advice in failure.stdout
    assert "Updating" not in failure.stdout


def test_a_package_without_an_extension_bundle_is_refused_before_anything_changes(local_stack: Checkout) -> None:
    host_json = json.loads((local_stack.root / "functions/pipeline/host.json").read_text())
    without = {name: value for name, value in host_json.items() if name != "extensionBundle"}
    original = (local_stack.root / "functions/pipeline/host.json").read_text()
    with planted(local_stack, {"functions/pipeline/host.json": (original, json.dumps(without))}):
        failure = local_stack.make("up", "FORMAT=json", check=False)
    assert failure.returncode != 0
    printed = failure.stdout + failure.stderr
    assert "extensionBundle is null. Set it to" in printed
    assert "Updating" not in printed


def test_a_deployment_without_a_trigger_sync_fails_and_is_mended_by_the_next(local_stack: Checkout) -> None:
    mistake = {
        "infra/dynamic/code_deployer.py": ("for request in (sync, listing)]", "for request in (listing, listing)]"),
        # Ten minutes otherwise; long enough for the deployment of two packages at once on a busy machine.
        "infra/dynamic/code_deployment.py": (
            "=authenticated_client(),",
            "=authenticated_client(), timeout_seconds=25,",
        ),
        "functions/common/domain/models.py": ("SCHEMA_VERSION = 1", "SCHEMA_VERSION = 8"),
    }
    with planted(local_stack, mistake):
        failed = local_stack.deploy("--skip-preview", check=False)
    assert failed.returncode != 0
    assert "It lists only the placeholder WarmUp because its triggers were not synchronized" in failed.stdout
    assert "Running `pulumi up` again is safe" in failed.stdout
    mended = steps(local_stack.deploy("--skip-preview").stdout)
    # The revision and the release of the package of each app: both contain `common`.
    assert mended["updated"] == 4
    assert set(mended) == {"updated", "unchanged"}
