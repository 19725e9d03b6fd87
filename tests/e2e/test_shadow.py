"""A successor in the shadow: compared, cut over to, and rolled back from, by the commands of docs/operations.md."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Checkout, copy_working_tree
from tests.e2e.foundry_analyzers import MOTORCYCLE, classify
from tests.e2e.test_local_stack import CAT, steps

pytestmark = pytest.mark.emulator

MODEL = """\
  image-pipeline:foundry:
    location: swedencentral
    capacityKTpm: 5000
"""
SETTINGS = {
    "shadow": f"""\
  image-pipeline:shadow:
    analyzer: foundry-vision
    percent: 100
  image-pipeline:agreement:
    minImages: 11
{MODEL}""",
    "cut-over": f"""\
  image-pipeline:analyzer: foundry-vision
  image-pipeline:retainedAnalyzers: [image-analysis]
{MODEL}""",
    "rollback": f"""\
  image-pipeline:retainedAnalyzers: [foundry-vision]
{MODEL}""",
    "other successor": f"""\
  image-pipeline:shadow:
    analyzer: content-understanding
    percent: 100
  image-pipeline:agreement:
    minImages: 1
{MODEL}""",
}
# What states the time and the reason of processing; everything else of a record is the same after a rollback.
OF_PROCESSING = {"attempts", "eventId", "processedAt", "sequencer", "timings"}
OF_NAME = {"id", "blob"}


def configure(checkout: Checkout, step: str) -> None:
    """Write the settings of a step of the way."""
    stack = checkout.root / "stacks/Pulumi.local.yaml"
    text = re.sub(r"(?m)^( +image-pipeline:features:).*$", r"\1 [tags, caption, read]", stack.read_text())
    text = re.split(r"(?m)^  image-pipeline:(?:shadow|analyzer|retainedAnalyzers):", text, maxsplit=1)[0]
    stack.write_text(text + SETTINGS[step])


def agreement(checkout: Checkout, images: int, successor: str) -> tuple[int, dict[str, Any]]:
    """Exit code and report of `make agreement`, as soon as so many images were compared with a successor."""
    deadline = time.monotonic() + 180
    while True:
        result = checkout.make("agreement", "FORMAT=json", check=False)
        assert result.stdout.startswith("{"), result.stderr
        report = json.loads(result.stdout)
        if report["images"] >= images and report["successor"].startswith(f"{successor}/"):
            return result.returncode, report
        assert time.monotonic() < deadline, f"{report['images']} images were compared"


def comparable(record: dict[str, Any]) -> dict[str, Any]:
    """The record without what a new name and another time change."""
    fields = {name: value for name, value in record.items() if name not in OF_PROCESSING | OF_NAME and name[0] != "_"}
    fields["analyzer"] = {name: value for name, value in fields["analyzer"].items() if name != "cached"}
    return fields


@pytest.fixture(scope="module")
def shadowed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    checkout = copy_working_tree(tmp_path_factory.mktemp("shadow") / "pipeline")
    configure(checkout, "shadow")
    yield checkout
    checkout.make("clean", check=False)


def accounts(checkout: Checkout) -> dict[str, str]:
    """When each account and each deployment of a model was created, as Pulumi's state has it."""
    exported = checkout.emulator("pulumi", "--", "local", "stack", "export")
    assert exported.returncode == 0, exported.stderr
    resources = json.loads(exported.stdout)["deployment"]["resources"]
    types = ("azure-native:cognitiveservices:Account", "azure-native:cognitiveservices:Deployment")
    return {item["urn"].rpartition("::")[2]: item["created"] for item in resources if item["type"] in types}


def test_a_successor_is_compared_cut_over_to_and_rolled_back_from(shadowed: Checkout) -> None:
    checkout = shadowed
    assert set(steps(checkout.make("up", "FORMAT=json").stdout)) == {"created"}
    cat = classify(checkout, "cat.png", CAT)
    motorcycle = classify(checkout, "motorcycle.png", MOTORCYCLE)
    assert cat["analyzer"]["name"] == motorcycle["analyzer"]["name"] == "azure-image-analysis"

    # Nine sample photos and those two: as many as the configuration requires.
    code, report = agreement(checkout, 11, "foundry-vision")
    assert report["emulated"]
    assert report["images"] == 11
    assert set(report["outcomes"]) == {"classified"}
    assert report["means"]["labels"]["count"] == 11
    assert report["cost_per_thousand"] > 0
    assert (code, report["missed"]) == (0, [])
    # Roles are checked by the emulator: the app may receive the poison messages of the shadow.
    redriven = json.loads(checkout.make("redrive", "QUEUE=shadow", "FORMAT=json").stdout)
    assert redriven == {"redriven": 0, "kept": 0, "finished": True, "queue": "shadow"}
    before = accounts(checkout)
    assert set(before) == {"vision-account-1", "foundry-account", "foundry-gpt-5.4-mini-2026-03-17"}
    assert set(steps(checkout.deploy("--skip-preview").stdout)) == {"unchanged"}

    # The same accounts, and nothing is paid for what was in the shadow.
    configure(checkout, "cut-over")
    checkout.deploy()
    assert accounts(checkout) == before
    for name, source in (("cat 2.png", CAT), ("motorcycle 2.png", MOTORCYCLE)):
        record = classify(checkout, name, source)
        assert record["analyzer"]["name"] == "foundry-vision"
        assert record["analyzer"]["cached"]
    result = checkout.make("agreement", check=False)
    assert "has no successor in the shadow" in result.stderr
    result = checkout.make("redrive", "QUEUE=shadow", check=False)
    assert "there is no queue 'shadow' to redrive" in result.stderr

    # The earlier analyzer again: its analyses are still there.
    configure(checkout, "rollback")
    checkout.deploy()
    assert accounts(checkout) == before
    for name, source, original in (("cat 3.png", CAT, cat), ("motorcycle 3.png", MOTORCYCLE, motorcycle)):
        record = classify(checkout, name, source)
        assert record["analyzer"]["cached"]
        assert comparable(record) == comparable(original)

    # Another successor, whose analyses are long-running operations. Its comparisons are a report of their own.
    configure(checkout, "other successor")
    checkout.deploy()
    classify(checkout, "cat 4.png", CAT)
    code, report = agreement(checkout, 1, "content-understanding")
    assert (code, report["missed"]) == (0, [])
    assert set(report["outcomes"]) == {"classified"}

    assert re.search(r"Resources:\n +- \d+ deleted\n", checkout.make("down").stdout)
