"""A vision model of Foundry as the analyzer: deployed, tried, left for the previous analyzer, and come back to."""

import re
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Checkout, copy_working_tree
from tests.e2e.foundry_analyzers import (
    MOTORCYCLE,
    change_to_image_analysis_and_back,
    classify,
    configure,
    upload_unsupported_images,
)
from tests.e2e.test_local_stack import CAT, COFFEE, steps

pytestmark = pytest.mark.emulator


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

    upload_unsupported_images(checkout, "foundry-vision", "BMP")
    assert set(steps(checkout.deploy("--skip-preview").stdout)) == {"unchanged"}

    change_to_image_analysis_and_back(checkout, "foundry-vision", cat)

    # The deployments of models go before their account.
    assert re.search(r"Resources:\n +- \d+ deleted\n", checkout.make("down").stdout)
