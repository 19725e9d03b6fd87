"""Everything that a user does with images, by keyboard alone."""

from playwright.sync_api import Page, expect

from tests.functions.api.page.conftest import Visitor
from tests.functions.api.page.states import add_library, image_count
from tests.support.page.server import LocalPageServer
from tests.support.page.services import photo_path

_FOCUSED = """
() => {
  const element = document.activeElement;
  return element.getAttribute("aria-label") || element.labels?.[0]?.textContent || element.textContent || element.id;
}
"""


def tab_to(page: Page, text: str, *, key: str = "Tab") -> None:
    """Press Tab until the focus is on an element whose label or text begins with `text`."""
    passed: list[str] = []
    for _ in range(60):
        page.keyboard.press(key)
        focused = page.evaluate(_FOCUSED).strip()
        if focused.startswith(text):
            return
        passed.append(focused[:40])
    raise AssertionError(f"Tab does not lead to {text!r}, but to {passed}")


def focus_is_visible(page: Page) -> bool:
    """Whether the focused element has an outline."""
    return page.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth) >= 2")


def test_sign_in_upload_and_open_the_result(server: LocalPageServer, visitor: Visitor) -> None:
    page = visitor.open()
    tab_to(page, "Sign in")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Uli Uploader").wait_for()
    tab_to(page, "Uli Uploader")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Sign out").wait_for()

    tab_to(page, "Upload")
    assert focus_is_visible(page)
    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Enter")
    chooser.value.set_files(photo_path("coffee.png"))
    page.get_by_role("button", name="Open coffee.png").wait_for()
    tab_to(page, "Open coffee.png")
    page.keyboard.press("Enter")

    expect(page.get_by_role("dialog", name="coffee.png")).to_be_visible()


def test_the_space_key_opens_the_file_picker_too(visitor: Visitor) -> None:
    page = visitor.sign_in("uploader")
    tab_to(page, "Upload")

    with page.expect_file_chooser() as chooser:
        page.keyboard.press("Space")

    assert chooser.value.is_multiple()


def test_the_first_tab_skips_the_header(server: LocalPageServer, visitor: Visitor) -> None:
    server.run(add_library)
    page = visitor.sign_in("reader")
    page.get_by_role("link", name="a cup of coffee").wait_for()

    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the images")).to_be_in_viewport()
    page.keyboard.press("Enter")

    expect(page.get_by_role("main")).to_be_focused()


def test_search_and_filter(server: LocalPageServer, visitor: Visitor) -> None:
    server.run(add_library)
    page = visitor.sign_in("reader")
    page.get_by_role("link", name="a cup of coffee").wait_for()

    tab_to(page, "Search images by words")
    page.keyboard.type("photo of a building")
    page.keyboard.press("Enter")
    expect(image_count(page)).to_have_text("2 images")
    tab_to(page, "Category")
    page.keyboard.type("brick")
    expect(image_count(page)).to_have_text("1 image")
    # The controls are drawn anew, and the focus stays on this one.
    expect(page.get_by_label("Category", exact=True)).to_be_focused()
    tab_to(page, "Remove filter Category: brick")
    page.keyboard.press("Enter")

    expect(image_count(page)).to_have_text("2 images")


def test_a_date_is_typed_as_a_whole(server: LocalPageServer, visitor: Visitor) -> None:
    server.run(add_library)
    page = visitor.sign_in("reader")
    page.get_by_role("link", name="a cup of coffee").wait_for()

    tab_to(page, "From")
    # Whichever of day and month comes first in the language of the browser.
    page.keyboard.type("03032026")

    expect(page.get_by_role("heading", name="Nothing fits")).to_be_visible()
    assert page.url == f"{server.origin}/?since=2026-03-03"
    expect(page.get_by_label("From", exact=True)).to_be_focused()


def test_open_step_and_close(server: LocalPageServer, visitor: Visitor) -> None:
    server.run(add_library)
    page = visitor.sign_in("reader")
    page.get_by_role("link", name="a cup of coffee").wait_for()

    tab_to(page, "a cup of coffee")
    assert focus_is_visible(page)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="coffee.png")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("dialog", name="astronaut.png")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("dialog", name="chelsea.png")).to_be_visible()
    tab_to(page, "Next image")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="astronaut.png")).to_be_visible()
    tab_to(page, "Objects")
    page.keyboard.press("Space")
    expect(page.locator(".overlay-objects").first).to_be_hidden()
    page.keyboard.press("Escape")

    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.get_by_role("link", name="a cup of coffee")).to_be_focused()


def test_delete(server: LocalPageServer, visitor: Visitor) -> None:
    server.run(add_library)
    page = visitor.sign_in("operator")
    page.get_by_role("link", name="a cup of coffee").wait_for()

    tab_to(page, "a cup of coffee")
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Delete").wait_for()
    tab_to(page, "Delete")
    page.keyboard.press("Enter")
    tab_to(page, "Delete")
    page.keyboard.press("Enter")

    expect(page.get_by_role("link", name="a cup of coffee")).to_have_count(0)
    expect(page.get_by_role("main")).to_be_focused()


def test_sign_out(visitor: Visitor) -> None:
    page = visitor.sign_in("reader")

    tab_to(page, "Sign out")
    page.keyboard.press("Enter")

    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
