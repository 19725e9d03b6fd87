"""Content Understanding as the analyzer: deployed, tried, left for the previous analyzer, and come back to."""

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
from tests.e2e.test_local_stack import CAT, COFFEE, picture, steps

pytestmark = pytest.mark.emulator


@pytest.fixture(scope="module")
def with_content_understanding(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    checkout = copy_working_tree(tmp_path_factory.mktemp("understanding") / "pipeline")
    configure(checkout, "content-understanding")
    checkout.start_emulator()
    yield checkout
    checkout.make("clean", check=False)


def test_content_understanding_classifies_and_the_analyzer_can_be_changed_and_changed_back(
    with_content_understanding: Checkout,
) -> None:
    checkout = with_content_understanding
    assert set(steps(checkout.deploy().stdout)) == {"created"}

    # Neither confidences nor positions of tags, a category out of the list, and every tag is a label.
    cat = classify(checkout, "cat.png", CAT)
    assert re.fullmatch(
        r"gpt-5\.4-mini 2026-03-17 imgpipe_[0-9a-f]{16}(, prebuilt-read)?", cat["analyzer"]["modelVersion"]
    )
    assert cat["category"] == {"name": "cat", "confidence": None}
    assert cat["labels"] == [tag["name"] for tag in cat["tags"]]
    assert {tag["confidence"] for tag in cat["tags"]} == {None}
    assert cat["caption"]["confidence"] is None
    assert classify(checkout, "coffee.png", COFFEE)["category"]["name"] == "other"
    (result,) = checkout.classify(picture(checkout.root, "motorcycle.png", MOTORCYCLE, width=741))
    motorcycle = result["record"]
    assert motorcycle["category"]["name"] == "motorcycle"
    # Text is another analysis, whose lines have positions and confidences. It is read in the size of the photo itself.
    line = next(line for line in motorcycle["read"] if line["text"] == "YAMAHA")
    assert line["confidence"] > 0.5
    assert line["box"]["width"] > line["box"]["height"]

    upload_unsupported_images(checkout, "content-understanding", "GIF")
    assert set(steps(checkout.deploy("--skip-preview").stdout)) == {"unchanged"}

    change_to_image_analysis_and_back(checkout, "content-understanding", cat)

    # Another definition is another analyzer, which is made before the old one is deleted.
    stack = checkout.root / "stacks/Pulumi.local.yaml"
    stack.write_text(stack.read_text().replace("[cat, motorcycle]", "[animal, motorcycle]"))
    assert steps(checkout.deploy().stdout)["replaced"] == 1
    assert classify(checkout, "cat as an animal.png", CAT)["category"]["name"] == "animal"

    # The analyzer goes before its role and its account, and the deployments of models before that too.
    assert re.search(r"Resources:\n +- \d+ deleted\n", checkout.make("down").stdout)
