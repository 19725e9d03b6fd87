"""What keeps a bad deployment out: the policy pack under the real engine, and what the laptop cannot do."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import Checkout
from tests.e2e.test_laptop import steps

pytestmark = pytest.mark.emulator

PACK = ("--policy-pack", "policy/pack")
PRIVATE = ("--config", "image-pipeline:networkAccess=private")


def analyze(laptop: Checkout, export: Path) -> subprocess.CompletedProcess[str]:
    return laptop.emulator("exec", "--", "pulumi", "policy", "analyze", *PACK, "--file", str(export), "--json")


def test_a_planted_violation_stops_make_up_before_anything_changes(laptop: Checkout) -> None:
    storage = laptop.root / "infra/components/storage.py"
    original = storage.read_text()
    assert "allow_blob_public_access=False" in original
    storage.write_text(original.replace("allow_blob_public_access=False", "allow_blob_public_access=True"))
    try:
        refused = laptop.make("up", "FORMAT=json", check=False)
    finally:
        storage.write_text(original)
    assert refused.returncode != 0
    assert re.search(r"\[mandatory\]\s+no-public-blobs", refused.stdout)
    assert "allowBlobPublicAccess is True; allowed: False" in refused.stdout
    assert "Updating" not in refused.stdout
    export = laptop.emulator("pulumi", "--", "local", "stack", "export").stdout
    accounts = [
        item for item in json.loads(export)["deployment"]["resources"] if item["type"].endswith(":StorageAccount")
    ]
    assert [account["inputs"]["allowBlobPublicAccess"] for account in accounts] == [False, False]


def test_the_export_of_what_was_deployed_is_judged_too(laptop: Checkout, tmp_path: Path) -> None:
    export = tmp_path / "export.json"
    export.write_text(laptop.emulator("pulumi", "--", "local", "stack", "export").stdout)
    clean = analyze(laptop, export)
    assert clean.returncode == 0, clean.stdout + clean.stderr
    state = json.loads(export.read_text())
    (subscription,) = [
        item for item in state["deployment"]["resources"] if item["type"].endswith(":SystemTopicEventSubscription")
    ]
    for side in ("inputs", "outputs"):
        del subscription[side]["deadLetterWithResourceIdentity"]
    export.write_text(json.dumps(state))
    found = analyze(laptop, export)
    events = [json.loads(line) for line in found.stdout.splitlines() if '"policyEvent"' in line]
    assert found.returncode != 0
    assert {event["policyEvent"]["policyName"] for event in events} == {"dead-letter"}


@pytest.mark.parametrize("stack", ["staging", "prod"])
@pytest.mark.parametrize("network", [(), PRIVATE], ids=["public", "private"])
def test_every_stack_can_be_planned_under_the_pack(laptop: Checkout, stack: str, network: tuple[str, ...]) -> None:
    planned = laptop.emulator("pulumi", "--", stack, "preview", *PACK, *network)
    assert planned.returncode == 0, planned.stdout + planned.stderr
    assert "image-pipeline@v" in planned.stdout
    assert "can't be known during preview" not in planned.stdout + planned.stderr
    endpoints = planned.stdout.count("azure-native:network:PrivateEndpoint ")
    assert (endpoints > 0) is bool(network)


def test_what_the_emulator_does_not_support_is_refused_before_anything_changes(laptop: Checkout) -> None:
    refused = laptop.emulator("pulumi", "--", "local", "up", "--yes", "--config", "image-pipeline:protectData=true")
    assert refused.returncode != 0
    # Whichever resource comes first.
    assert re.search(r"protectData must be false|would change nothing in the emulator", refused.stdout)
    assert "Updating" not in refused.stdout
    assert set(steps(laptop.make("up", "FORMAT=json").stdout)) == {"unchanged"}


def test_the_scan_prints_its_figures(laptop: Checkout) -> None:
    answered = laptop.make("scan", "FORMAT=json")
    figures = [json.loads(line) for line in answered.stdout.splitlines() if line.startswith("{")]
    assert [found["network"] for found in figures] == ["public", "private"]
    assert [(found["failed"], found["stale"]) for found in figures] == [(0, 0), (0, 0)]


def test_the_cost_of_a_stack_is_printed_without_an_engine(laptop: Checkout) -> None:
    report = json.loads(laptop.make("cost", "STACK=prod", "FORMAT=json").stdout)
    assert report["stack"] == "prod"
    assert 100_000 < report["monthlyCost"]["low"] < report["monthlyCost"]["high"]


def test_the_benchmark_prints_both_times(laptop: Checkout) -> None:
    answered = laptop.make("bench", "RUNS=1", "FORMAT=json", check=False)
    found = json.loads(
        answered.stdout.splitlines()[-1] if answered.returncode == 0 else answered.stdout.split("make")[0]
    )
    assert found["resources"] > 90
    assert 0 < found["emptySeconds"] < found["stackSeconds"]
    assert found["withinLimit"] is (found["stackSeconds"] <= found["limitSeconds"])
