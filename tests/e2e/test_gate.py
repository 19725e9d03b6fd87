"""What keeps a bad deployment out: the policy pack under the real engine, and what the emulator cannot do."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import Checkout
from tests.e2e.test_local_stack import steps

pytestmark = pytest.mark.emulator

PACK = ("--policy-pack", "policy/pack")
PRIVATE = ("--config", "image-pipeline:networkAccess=private")


def analyze(local_stack: Checkout, export: Path) -> subprocess.CompletedProcess[str]:
    return local_stack.emulator("exec", "--", "pulumi", "policy", "analyze", *PACK, "--file", str(export), "--json")


def test_a_planted_violation_stops_make_up_before_anything_changes(local_stack: Checkout) -> None:
    storage = local_stack.root / "infra/components/storage.py"
    original = storage.read_text()
    assert "allow_blob_public_access=False" in original
    storage.write_text(original.replace("allow_blob_public_access=False", "allow_blob_public_access=True"))
    try:
        refusal = local_stack.make("up", "FORMAT=json", check=False)
    finally:
        storage.write_text(original)
    assert refusal.returncode != 0
    assert re.search(r"\[mandatory\]\s+no-public-blobs", refusal.stdout)
    assert "allowBlobPublicAccess is True; allowed: False" in refusal.stdout
    assert "Updating" not in refusal.stdout
    export = local_stack.emulator("pulumi", "--", "local", "stack", "export").stdout
    accounts = [
        item for item in json.loads(export)["deployment"]["resources"] if item["type"].endswith(":StorageAccount")
    ]
    assert [account["inputs"]["allowBlobPublicAccess"] for account in accounts] == [False, False, False]


def test_the_export_of_what_was_deployed_is_judged_too(local_stack: Checkout, tmp_path: Path) -> None:
    export = tmp_path / "export.json"
    export.write_text(local_stack.emulator("pulumi", "--", "local", "stack", "export").stdout)
    clean = analyze(local_stack, export)
    assert clean.returncode == 0, clean.stdout + clean.stderr
    state = json.loads(export.read_text())
    (subscription,) = [
        item for item in state["deployment"]["resources"] if item["type"].endswith(":SystemTopicEventSubscription")
    ]
    for side in ("inputs", "outputs"):
        del subscription[side]["deadLetterWithResourceIdentity"]
    export.write_text(json.dumps(state))
    analysis = analyze(local_stack, export)
    events = [json.loads(line) for line in analysis.stdout.splitlines() if '"policyEvent"' in line]
    assert analysis.returncode != 0
    assert {event["policyEvent"]["policyName"] for event in events} == {"dead-letter"}


@pytest.mark.parametrize("stack", ["staging", "prod"])
@pytest.mark.parametrize("network", [(), PRIVATE], ids=["public", "private"])
def test_every_stack_can_be_planned_under_the_pack(local_stack: Checkout, stack: str, network: tuple[str, ...]) -> None:
    preview = local_stack.emulator("pulumi", "--", stack, "preview", *PACK, *network)
    assert preview.returncode == 0, preview.stdout + preview.stderr
    assert "image-pipeline@v" in preview.stdout
    assert "can't be known during preview" not in preview.stdout + preview.stderr
    endpoints = preview.stdout.count("azure-native:network:PrivateEndpoint ")
    assert (endpoints > 0) is bool(network)


def test_what_the_emulator_does_not_support_is_refused_before_anything_changes(local_stack: Checkout) -> None:
    refusal = local_stack.emulator(
        "pulumi", "--", "local", "up", "--yes", "--config", "image-pipeline:protectData=true"
    )
    assert refusal.returncode != 0
    # Whichever resource comes first.
    assert re.search(r"protectData must be false|would change nothing in the emulator", refusal.stdout)
    assert "Updating" not in refusal.stdout
    assert set(steps(local_stack.deploy("--skip-preview").stdout)) == {"unchanged"}


def test_the_benchmark_prints_both_times(local_stack: Checkout) -> None:
    result = local_stack.make("bench", "RUNS=1", "FORMAT=json", check=False)
    report = json.loads(result.stdout.splitlines()[-1] if result.returncode == 0 else result.stdout.split("make")[0])
    assert report["resources"] > 90
    assert 0 < report["emptySeconds"] < report["stackSeconds"]
    assert report["withinLimit"] is (report["stackSeconds"] <= report["limitSeconds"])
