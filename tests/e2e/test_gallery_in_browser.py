"""The gallery of a fresh stack in a browser without any setting: sign-in, upload, search, boxes, deletion."""

import io
import json
import re
from collections.abc import Iterator

import pytest
from PIL import Image, ImageDraw, ImageFont
from playwright.sync_api import Browser, FilePayload, Page, expect

from tests.e2e.conftest import Checkout
from tests.support.page.browser import launch_chromium, sign_in

pytestmark = pytest.mark.emulator

# From the upload until the record is there: event, queue, analysis on two cores that other tests use too.
RESULT_MS = 90_000


@pytest.fixture(scope="module")
def address(local_stack: Checkout) -> str:
    return json.loads(local_stack.make("urls", "FORMAT=json").stdout)["gallery"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launch_chromium() as browser:
        yield browser


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A new browser profile; afterwards no other host may have been requested, and no error thrown."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(30_000)
    page = context.new_page()
    hosts: set[str] = set()
    errors: list[str] = []
    page.on("request", lambda request: hosts.add(re.sub(r":\d+/.*", "", request.url)))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(address)
    yield page
    context.close()
    assert errors == []
    assert {host for host in hosts if not host.startswith("blob:")} == {"http://127.0.0.1"}


def sign_with(text: str) -> bytes:
    """Return a PNG of a sign with a text."""
    image = Image.new("RGB", (640, 240), "white")
    font = ImageFont.load_default(size=96)
    ImageDraw.Draw(image).text((320, 120), text, fill="black", font=font, anchor="mm")
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()


def test_a_photo_is_uploaded_found_by_a_word_and_deleted(page: Page, browser: Browser, address: str) -> None:
    sign_in(page, "Uma Uploader")
    expect(page.get_by_role("link", name="cat").first).to_be_visible()
    sign = FilePayload(name="harbour sign.png", mimeType="image/png", buffer=sign_with("HARBOUR"))
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Upload").click()
    chooser.value.set_files(sign)
    page.get_by_role("button", name="Open harbour sign").wait_for(timeout=RESULT_MS)

    page.get_by_role("searchbox").fill("harbour")
    page.get_by_role("searchbox").press("Enter")
    results = page.get_by_role("list", name="Images").get_by_role("link")
    expect(results).to_have_count(1)
    expect(results).to_contain_text(re.compile("harbour", re.IGNORECASE))
    expect(results.locator("img")).to_have_js_property("naturalWidth", 640)
    results.click()
    dialog = page.get_by_role("dialog", name="harbour sign")
    expect(dialog.locator(".overlay-read title")).to_have_text("HARBOUR")
    shared = page.url

    # Another user, in a browser of their own.
    other = browser.new_context().new_page()
    other.goto(shared)
    sign_in(other, "Otto Operator")
    expect(other.get_by_role("dialog", name="harbour sign")).to_be_visible()
    other.get_by_role("button", name="Delete").click()
    other.get_by_role("dialog", name="Delete harbour sign").get_by_role("button", name="Delete").click()
    expect(other.get_by_role("dialog")).to_have_count(0)
    other.context.close()


def test_a_reader_sees_images_and_has_no_upload(page: Page) -> None:
    sign_in(page, "Rita Reader")

    expect(page.get_by_role("link", name="cat").first).to_be_visible()
    expect(page.get_by_role("button", name="Upload")).to_have_count(0)
    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
