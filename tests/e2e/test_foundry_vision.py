"""A vision model of Foundry as the analyzer: deployed, tried, left for the previous analyzer, and come back to."""

import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Checkout, copy_working_tree
from tests.e2e.test_local_stack import COFFEE, picture, steps

pytestmark = pytest.mark.emulator

CAT = Path(str(files("skimage.data") / "chelsea.png"))
MOTORCYCLE = Path(str(files("skimage.data") / "motorcycle_left.png"))
SETTINGS = {
    "image-analysis": "  image-pipeline:analyzer: image-analysis\n",
    "foundry-vision": """\
  image-pipeline:analyzer: foundry-vision
  image-pipeline:categories: [cat, motorcycle]
  image-pipeline:foundry:
    location: swedencentral
    capacityKTpm: 5000
""",
}


def configure(checkout: Checkout, analyzer: str) -> None:
    """Let an analyzer look for tags, a caption and text."""
    stack = checkout.root / "stacks/Pulumi.local.yaml"
    text = re.sub(r"(?m)^( +image-pipeline:features:).*$", r"\1 [tags, caption, read]", stack.read_text())
    text = text.partition("  image-pipeline:analyzer:")[0]
    stack.write_text(text + SETTINGS[analyzer])


def classify(checkout: Checkout, name: str, source: Path) -> dict[str, Any]:
    """The record of a photo that is uploaded under a new name."""
    picture(checkout.root, name, source)
    (result,) = checkout.classify(name)
    return result["record"]


@pytest.fixture(scope="module")
def with_foundry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    checkout = copy_working_tree(tmp_path_factory.mktemp("foundry") / "pipeline")
    configure(checkout, "foundry-vision")
    checkout.start_emulator()
    yield checkout
    checkout.make("clean", check=False)


def test_a_vision_model_classifies_and_the_analyzer_can_be_changed_and_changed_back(with_foundry: Checkout) -> None:
    checkout = with_foundry
    assert set(steps(checkout.deploy().stdout)) == {"created"}

    # Neither confidences nor positions, a category out of the list, and every tag is a label.
    cat = classify(checkout, "cat.png", CAT)
    assert cat["analyzer"]["modelVersion"] == "emulated:gpt-5.4-mini-2026-03-17"
    assert cat["category"] == {"name": "cat", "confidence": None}
    assert cat["labels"] == [tag["name"] for tag in cat["tags"]]
    assert {tag["confidence"] for tag in cat["tags"]} == {None}
    assert cat["caption"]["confidence"] is None
    assert classify(checkout, "coffee.png", COFFEE)["category"]["name"] == "other"
    motorcycle = classify(checkout, "motorcycle.png", MOTORCYCLE)
    assert motorcycle["category"]["name"] == "motorcycle"
    assert {line["box"] for line in motorcycle["read"]} <= {None}

    # What the model does not accept is refused at the upload by its type; a file that is not what its name says is
    # rejected before a call, and names the analyzer.
    (not_uploaded,) = checkout.classify(picture(checkout.root, "cat.bmp", CAT, kind="BMP"), check=False)
    assert not_uploaded["record"] is None
    (rejected,) = checkout.classify(picture(checkout.root, "cat in a bmp.png", CAT, kind="BMP"), check=False)
    assert rejected["record"]["reason"]["code"] == "UnsupportedFormat"
    assert rejected["record"]["analyzer"]["identity"].startswith("foundry-vision/")

    assert set(steps(checkout.deploy("--skip-preview").stdout)) == {"unchanged"}

    # The previous analyzer, and back.
    configure(checkout, "image-analysis")
    changed = steps(checkout.deploy().stdout)
    assert changed["deleted"] > 0
    assert classify(checkout, "cat again.png", CAT)["tags"][0]["confidence"] > 0.5
    configure(checkout, "foundry-vision")
    assert steps(checkout.deploy().stdout)["created"] > 0
    back = classify(checkout, "cat once more.png", CAT)
    assert back["tags"] == cat["tags"]
    # The content was analyzed with the same request before: nothing is paid twice.
    assert back["analyzer"]["cached"]

    # The deployments of models go before their account.
    assert re.search(r"Resources:\n +- \d+ deleted\n", checkout.make("down").stdout)
