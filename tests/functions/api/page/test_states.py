"""Each state of the gallery at two widths, in both color schemes: no violation of axe-core's rules, no overflow.

With SCREENSHOTS=<folder> (`make screenshots`) the pictures of all of them are stored there.
"""

import os
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.conftest import ROOT
from tests.functions.api.page.conftest import ColorScheme, Visitor
from tests.functions.api.page.states import STATES

AXE = ROOT / "node_modules" / "axe-core" / "axe.min.js"
SIZES = ((1280, 800), (360, 740))
COLOR_SCHEMES: tuple[ColorScheme, ...] = ("light", "dark")


@pytest.mark.parametrize("state", STATES)
def test_a_state_is_accessible_and_fits_the_screen(visitor: Visitor, state: str) -> None:
    page = STATES[state](visitor)
    page.evaluate(AXE.read_text())
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") == width
        for color_scheme in COLOR_SCHEMES:
            page.emulate_media(color_scheme=color_scheme)
            take_screenshot(page, f"{state}-{width}-{color_scheme}")
            assert violations(page) == []


def violations(page: Page) -> list[str]:
    """Return the violations of axe-core's rules, each with the first elements."""
    result: dict[str, Any] = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [
        f"{violation['id']}: {[node['html'][:120] for node in violation['nodes'][:3]]}"
        f" {violation['nodes'][0]['failureSummary']}"
        for violation in result["violations"]
    ]


def take_screenshot(page: Page, name: str) -> None:
    """Store a screenshot, if the caller wants them."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        # Images outside of the visible part are loaded lazily.
        page.wait_for_function("[...document.images].every((image) => image.complete || image.loading === 'lazy')")
        page.screenshot(path=Path(folder) / f"{name}.png")
