"""Mistakes that Azure would punish late or silently are refused by `make up`, which says what to do."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from tests.e2e.conftest import Checkout
from tests.e2e.test_laptop import steps

pytestmark = pytest.mark.emulator

# By file: what is there, and what stands there with the mistake.
Mistake = Mapping[str, tuple[str, str]]


@contextmanager
def planted(laptop: Checkout, mistake: Mistake) -> Iterator[None]:
    originals = {name: (laptop.root / name).read_text() for name in mistake}
    try:
        for name, (right, wrong) in mistake.items():
            assert originals[name].count(right) == 1, (name, right)
            (laptop.root / name).write_text(originals[name].replace(right, wrong))
        yield
    finally:
        for name, text in originals.items():
            (laptop.root / name).write_text(text)


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
            "infra/components/network.py": ("depends_on=self.endpoints[-1:]", "depends_on=[]"),
            "stacks/Pulumi.local.yaml": ("config:\n", "config:\n  image-pipeline:networkAccess: private\n"),
        },
        "private-endpoints-one-by-one",
        "let one depend on the other",
    ),
    "Cosmos DB containers at once": (
        {"infra/components/cosmos.py": ("depends_on=[self._last], ", "")},
        "cosmos-one-by-one",
        "let one depend on the other",
    ),
}


@pytest.mark.parametrize("name", ORDER)
def test_a_wrong_order_is_refused_before_anything_changes(laptop: Checkout, name: str) -> None:
    mistake, rule, advice = ORDER[name]
    with planted(laptop, mistake):
        refused = laptop.make("up", "FORMAT=json", check=False)
    assert refused.returncode != 0
    assert re.search(rf"\[mandatory\]\s+{rule}", refused.stdout)
    assert advice in refused.stdout
    assert "Updating" not in refused.stdout


def test_a_package_without_an_extension_bundle_is_refused_before_anything_changes(laptop: Checkout) -> None:
    host_json = json.loads((laptop.root / "functions/pipeline/host.json").read_text())
    without = {name: value for name, value in host_json.items() if name != "extensionBundle"}
    original = (laptop.root / "functions/pipeline/host.json").read_text()
    with planted(laptop, {"functions/pipeline/host.json": (original, json.dumps(without))}):
        refused = laptop.make("up", "FORMAT=json", check=False)
    assert refused.returncode != 0
    printed = refused.stdout + refused.stderr
    assert "extensionBundle is null. Set it to" in printed
    assert "Updating" not in printed


def test_a_deployment_without_a_trigger_sync_fails_and_is_mended_by_the_next(laptop: Checkout) -> None:
    mistake = {
        "infra/dynamic/code_deployer.py": ("for request in (sync, listing)]", "for request in (listing, listing)]"),
        # Ten minutes otherwise.
        "infra/dynamic/code_deployment.py": ("=authenticated_client(),", "=authenticated_client(), timeout_seconds=8,"),
        "functions/pipeline/classifier/domain/models.py": ("SCHEMA_VERSION = 1", "SCHEMA_VERSION = 8"),
    }
    with planted(laptop, mistake):
        failed = laptop.make("up", "FORMAT=json", check=False)
    assert failed.returncode != 0
    assert "It lists only the placeholder WarmUp because its triggers were not synchronized" in failed.stdout
    assert "Running `pulumi up` again is safe" in failed.stdout
    mended = steps(laptop.make("up", "FORMAT=json").stdout)
    assert mended["updated"] == 2  # the package's revision, and the release
    assert set(mended) == {"updated", "unchanged"}
