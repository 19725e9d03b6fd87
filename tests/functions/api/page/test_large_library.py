"""A library with more images than a page can have elements for, in a browser."""

import pytest
from playwright.sync_api import Browser, expect

from benchmarks.page import create_table, measure
from tests.functions.api.page.conftest import Visitor
from tests.functions.api.page.states import image_count
from tests.support.page.scrolling import scroll
from tests.support.page.server import LocalPageServer

IMAGES = 2_000


@pytest.mark.parametrize("width", [1280, 360])
def test_scrolling_shows_every_row_and_keeps_few(server: LocalPageServer, visitor: Visitor, width: int) -> None:
    server.run(lambda services: services.add_library(IMAGES))
    page = visitor.sign_in("reader", width=width)
    expect(page.get_by_role("link", name="a cup of coffee").first).to_be_visible()

    scrolling = scroll(page, distance=700, steps=150)

    assert scrolling.incomplete_frames == 0
    # About four rows are visible, and three outside of the screen at each side.
    assert scrolling.most_rows <= 15
    # Several pages were loaded, none of them twice.
    assert 5 <= server.requests.count("GET /api/images") <= IMAGES // 60 + 1


def test_a_filter_starts_at_the_top_of_its_list(server: LocalPageServer, visitor: Visitor) -> None:
    server.run(lambda services: services.add_library(IMAGES))
    page = visitor.sign_in("reader")
    expect(page.get_by_role("link", name="a cup of coffee").first).to_be_visible()
    scroll(page, distance=700, steps=20)

    page.get_by_label("Category").select_option(label="horse (125)")

    expect(image_count(page)).to_have_text("60+ images")
    assert page.evaluate("scrollY") == 0
    scroll(page, distance=700, steps=20)
    expect(image_count(page)).to_have_text("125 images")


def test_the_scroll_position_is_kept_while_an_image_is_open(server: LocalPageServer, visitor: Visitor) -> None:
    server.run(lambda services: services.add_library(IMAGES))
    page = visitor.sign_in("reader")
    expect(page.get_by_role("link", name="a cup of coffee").first).to_be_visible()
    scroll(page, distance=700, steps=20)
    position = page.evaluate("scrollY")

    page.locator(".tile:visible").nth(16).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_be_hidden()
    assert page.evaluate("scrollY") == position > 5_000


def test_the_benchmark_measures_a_library_to_its_end(browser: Browser, server: LocalPageServer) -> None:
    result = measure(browser, server, images=200, runs=1)

    assert (result.images, result.scrolled_images, result.incomplete_frames) == (200, 200, 0)
    assert result.first_page_ms > 0
    # The list alone is larger than that; without compression the page's files alone are larger than 90 kB.
    assert 30_000 < result.first_page_bytes < 90_000
    assert 1_000 < result.filter_bytes < 30_000
    assert create_table(result).row_count == 6
