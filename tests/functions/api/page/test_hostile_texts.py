"""Texts that try to become code: names, captions, tags, lines of text, reasons and addresses, in a browser."""

from urllib.parse import quote

import pytest
from common.domain.findings import BoundingBox, Caption, DenseCaption, DetectedObject, Tag, TextLine
from common.domain.models import Reason
from common.domain.record import ImageRecord, RecordStatus
from common.domain.record_fields import Category
from common.domain.record_id import record_id
from msgspec.structs import replace
from playwright.sync_api import FilePayload, Page, expect

from tests.functions.api.page.conftest import Visitor
from tests.functions.api.page.states import choose_files
from tests.support.in_memory_api import NOW
from tests.support.page.server import LocalPageServer
from tests.support.page.services import PageServices, create_empty_record, photo_path

HOSTILE_TEXTS = {
    "image": "<img src=x onerror=\"parent.hacked='image'\">",
    "script": "\"><script>hacked='script'</script>",
    "svg": "</title><svg onload=\"hacked='svg'\">",
    "address": "javascript:hacked='address'",
    "template": "${hacked='template'}{{hacked='template'}}",
}


def add_hostile_image(services: PageServices, text: str) -> ImageRecord:
    """Add an image with the text wherever a record has one, and a rejected one whose reason has it."""
    photo = services.add_photo("china.jpg", photo="china.jpg", processed_at=NOW)
    box = BoundingBox(x=10, y=10, width=100, height=100)
    name = f"{text}/{text}.png"
    record = replace(
        photo,
        id=record_id("images", name),
        blob=replace(photo.blob, name=name),
        labels=(text,),
        category=Category(name=text, confidence=0.9),
        tags=(Tag(name=text, confidence=0.9),),
        caption=Caption(text=text, confidence=0.9),
        dense_captions=(DenseCaption(text=text, confidence=0.9, box=box),),
        objects=(DetectedObject(name=text, confidence=0.9, box=box),),
        read=(TextLine(text=text, confidence=0.9, box=box),),
        text=f"hostile {text}",
    )
    reason = Reason(code=text, sentence=text, measured=None, limit=None)
    services.add_record(create_empty_record(f"{text}.txt", RecordStatus.REJECTED, NOW, reason=reason))
    services.contents[name] = services.contents["china.jpg"]
    return services.add_record(record)


def assert_nothing_ran(page: Page) -> None:
    """No text has become an element or code."""
    assert page.evaluate("typeof hacked") == "undefined"
    assert page.locator("[onerror], [onload], script:not([src]), a[href^='javascript:']").count() == 0


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_texts_of_records_are_shown_as_they_are(server: LocalPageServer, visitor: Visitor, text: str) -> None:
    server.run(lambda services: add_hostile_image(services, text))
    page = visitor.sign_in("operator", f"/?q={quote('hostile ' + text)}")

    tile = page.get_by_role("list", name="Images").get_by_role("listitem").first
    expect(tile.locator(".tile-title")).to_have_text(text)
    assert_nothing_ran(page)
    tile.get_by_role("link").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator(".caption")).to_have_text(text)
    expect(dialog.locator(".lines")).to_have_text(text)
    expect(dialog.locator(".overlay-objects title")).to_have_text(f"{text} 90 %")
    dialog.get_by_role("button", name="Delete").click()
    expect(page.get_by_role("heading", name="Delete")).to_contain_text("?")
    assert_nothing_ran(page)
    page.get_by_role("button", name="Cancel").click()
    dialog.get_by_role("listitem").get_by_role("link").first.click()

    expect(page.locator(".chip")).to_contain_text(text)
    assert_nothing_ran(page)
    page.goto(f"/?status=rejected&image={record_id('images', f'{text}.txt')}")
    expect(page.get_by_role("dialog").locator(".notice")).to_contain_text(text)
    assert_nothing_ran(page)


@pytest.mark.parametrize("text", HOSTILE_TEXTS.values(), ids=HOSTILE_TEXTS)
def test_texts_of_addresses_and_files_are_shown_as_they_are(
    server: LocalPageServer, visitor: Visitor, text: str
) -> None:
    encoded = quote(text, safe="")
    names = ("q", "label", "category", "since", "sort", "image")
    page = visitor.sign_in("uploader", "/?" + "&".join(f"{name}={encoded}" for name in names))
    expect(page.get_by_role("dialog")).to_be_visible()
    assert_nothing_ran(page)
    page.keyboard.press("Escape")

    # The browser's file picker gives names without slashes.
    name = f"{text.replace('/', '')}.png"
    choose_files(page, [FilePayload(name=name, mimeType="image/png", buffer=photo_path("horse.png").read_bytes())])
    expect(page.get_by_role("region", name="Uploads")).to_contain_text(name)

    assert_nothing_ran(page)


def test_the_policy_that_the_tests_watch_is_in_force(visitor: Visitor) -> None:
    page = visitor.open()

    page.evaluate(
        """() => {
          const script = document.createElement("script");
          try { script.textContent = "hacked = 1"; } catch {}
          const image = document.createElement("img");
          image.src = "https://example.com/pixel.png";
          document.body.append(script, image);
          return new Promise((resolve) => addEventListener("securitypolicyviolation", () => setTimeout(resolve)));
        }"""
    )

    (visit,) = visitor.visits
    assert any("img-src https://example.com/pixel.png" in violation for violation in visit.policy_violations)
    assert any("require-trusted-types-for" in violation for violation in visit.policy_violations)
    assert page.evaluate("typeof hacked") == "undefined"
    visit.policy_violations.clear()
    visit.errors.clear()
