"""What the tests of Foundry's analyzers share: settings, photos, and the way to another analyzer and back."""

import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Checkout
from tests.e2e.test_local_stack import CAT, picture, steps

MOTORCYCLE = Path(str(files("skimage.data") / "motorcycle_left.png"))
_FOUNDRY_SETTINGS = """\
  image-pipeline:categories: [cat, motorcycle]
  image-pipeline:foundry:
    location: swedencentral
    capacityKTpm: 5000
"""


def configure(checkout: Checkout, analyzer: str) -> None:
    """Let an analyzer look for tags, a caption and text."""
    stack = checkout.root / "stacks/Pulumi.local.yaml"
    text = re.sub(r"(?m)^( +image-pipeline:features:).*$", r"\1 [tags, caption, read]", stack.read_text())
    text = text.partition("  image-pipeline:analyzer:")[0]
    text += f"  image-pipeline:analyzer: {analyzer}\n"
    if analyzer != "image-analysis":
        text += _FOUNDRY_SETTINGS
    stack.write_text(text)


def classify(checkout: Checkout, name: str, source: Path) -> dict[str, Any]:
    """The record of a photo that is uploaded under a new name."""
    picture(checkout.root, name, source)
    (result,) = checkout.classify(name)
    return result["record"]


def change_to_image_analysis_and_back(checkout: Checkout, analyzer: str, cat: dict[str, Any]) -> None:
    """Change the deployed analyzer to Image Analysis and back, and classify the photo of a cat with each.

    Args:
        checkout: The checkout, with the analyzer deployed.
        analyzer: The name of the deployed analyzer.
        cat: The record of the photo, made by that analyzer.
    """
    configure(checkout, "image-analysis")
    changed = steps(checkout.deploy().stdout)
    assert changed["deleted"] > 0
    assert classify(checkout, "cat again.png", CAT)["tags"][0]["confidence"] > 0.5
    configure(checkout, analyzer)
    assert steps(checkout.deploy().stdout)["created"] > 0
    back = classify(checkout, "cat once more.png", CAT)
    assert back["tags"] == cat["tags"]
    # The content was analyzed with the same request before: nothing is paid twice.
    assert back["analyzer"]["cached"]


def upload_unsupported_images(checkout: Checkout, analyzer: str, kind: str) -> None:
    """Upload photos of a format that the analyzer does not accept, under a name that says so and under another.

    The first is refused at the upload by its type. The second is rejected before a call, and names the analyzer.

    Args:
        checkout: The checkout, with the analyzer deployed.
        analyzer: The name of the deployed analyzer.
        kind: The format, as Pillow names it.
    """
    extension = kind.lower()
    (not_uploaded,) = checkout.classify(picture(checkout.root, f"cat.{extension}", CAT, kind=kind), check=False)
    assert not_uploaded["record"] is None
    (rejected,) = checkout.classify(picture(checkout.root, f"cat in a {extension}.png", CAT, kind=kind), check=False)
    assert rejected["record"]["reason"]["code"] == "UnsupportedFormat"
    assert rejected["record"]["analyzer"]["identity"].startswith(f"{analyzer}/")
