"""What the gallery can look like: one function for each state, which opens a page in that state."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

from common.domain.errors import QueryTooExpensiveError
from common.domain.models import Reason
from common.domain.record import RecordStatus
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.functions.api.page.conftest import Visitor
from tests.support.in_memory_api import NOW
from tests.support.page.services import PHOTOS, PageServices, create_empty_record, photo_path

type OpenState = Callable[[Visitor], Page]

NOT_DECODED = Reason(code="InvalidImage", sentence="The file cannot be decoded.", measured=None, limit=None)
TIMED_OUT = Reason(
    code="DeadlineExceeded", sentence="The image could not be analyzed in 24 hours.", measured=None, limit=None
)


def add_library(services: PageServices) -> None:
    """Add every photo, a rejected image and a failed one."""
    for number, photo in enumerate(PHOTOS):
        services.add_photo(f"holiday/{photo}", photo=photo, processed_at=NOW - timedelta(minutes=7 * number))
    for name, status, reason in (
        ("scans/receipt.pdf.png", RecordStatus.REJECTED, NOT_DECODED),
        ("scans/contract.png", RecordStatus.FAILED, TIMED_OUT),
    ):
        record = create_empty_record(name, status, NOW - timedelta(minutes=20), reason=reason, size_bytes=48_213)
        services.contents[name] = (b"no image", "image/png")
        services.add_record(record)


def image_count(page: Page) -> Locator:
    """The line that says how many images the list has."""
    return page.locator(".filter-status p")


def choose_files(page: Page, files: list[Path] | list[FilePayload]) -> None:
    """Upload files by the page's button and the browser's file picker."""
    with page.expect_file_chooser() as chooser:
        page.get_by_role("banner").get_by_role("button", name="Upload").click()
    chooser.value.set_files(files)


def _signed_in(visitor: Visitor, user: str) -> Page:
    visitor.server.run(add_library)
    page = visitor.sign_in(user)
    page.get_by_role("link", name="a cup of coffee").wait_for()
    return page


def _landing(visitor: Visitor) -> Page:
    page = visitor.open()
    page.get_by_role("button", name="Sign in").wait_for()
    return page


def _list(visitor: Visitor) -> Page:
    return _signed_in(visitor, "operator")


def _search(visitor: Visitor) -> Page:
    page = _signed_in(visitor, "reader")
    search = page.get_by_role("searchbox")
    search.fill("cat segmentation")
    search.press("Enter")
    page.get_by_role("link", name="a close-up of a cat").wait_for()
    return page


def _filters(visitor: Visitor) -> Page:
    visitor.server.run(add_library)
    page = visitor.sign_in("reader", "/?label=cat&minConfidence=60&status=classified")
    page.get_by_role("link", name="a close-up of a cat").wait_for()
    return page


def _nothing_fits(visitor: Visitor) -> Page:
    visitor.server.run(add_library)
    page = visitor.sign_in("reader", "/?q=submarine")
    page.get_by_role("heading", name="Nothing fits").wait_for()
    return page


def _no_images(visitor: Visitor) -> Page:
    page = visitor.sign_in("uploader")
    page.get_by_role("heading", name="No images yet").wait_for()
    return page


def _no_role(visitor: Visitor) -> Page:
    page = visitor.sign_in("guest")
    page.get_by_role("heading", name="You may not see images yet").wait_for()
    return page


def _error(visitor: Visitor) -> Page:
    too_expensive = QueryTooExpensiveError(request_units=520, limit=500)
    visitor.server.run(lambda services: services.failures.update(list_records=too_expensive))
    page = visitor.sign_in("reader")
    page.get_by_role("alert").wait_for()
    return page


def _loading(visitor: Visitor) -> Page:
    page = visitor.open()
    page.route("**/api/images?*", lambda _route: None)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Rita Reader").click()
    page.locator(".skeleton").first.wait_for()
    return page


def _open(visitor: Visitor, user: str, name: str) -> Page:
    page = _signed_in(visitor, user)
    page.get_by_role("link", name=name).click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("heading", name="Properties").wait_for()
    dialog.get_by_role("heading", name="Similar images").wait_for()
    return page


def _image(visitor: Visitor) -> Page:
    return _open(visitor, "operator", "a motorcycle in a garage")


def _image_with_text(visitor: Visitor) -> Page:
    return _open(visitor, "reader", "a page of printed text")


def _rejected_image(visitor: Visitor) -> Page:
    page = _signed_in(visitor, "operator")
    page.get_by_role("link", name="receipt.pdf.png").click()
    page.get_by_role("dialog").get_by_text("Export the image again").wait_for()
    return page


def _deletion(visitor: Visitor) -> Page:
    page = _image(visitor)
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("heading", name="Delete motorcycle_left.png?").wait_for()
    return page


def _uploads(visitor: Visitor) -> Page:
    page = _signed_in(visitor, "uploader")
    choose_files(page, [photo_path("flower.jpg")])
    uploads = page.get_by_role("region", name="Uploads")
    uploads.get_by_role("button", name="Open").wait_for()
    visitor.server.run(_hold_results)
    text = FilePayload(name="notes about the whole holiday.txt", mimeType="text/plain", buffer=b"no image")
    choose_files(page, [text])
    choose_files(page, [photo_path("china.jpg")])
    expect(uploads).to_contain_text("Waiting for its results")
    return page


def _hold_results(services: PageServices) -> None:
    services.are_results_held = True


STATES: Mapping[str, OpenState] = {
    "landing": _landing,
    "list": _list,
    "loading": _loading,
    "search": _search,
    "filters": _filters,
    "nothing-fits": _nothing_fits,
    "no-images": _no_images,
    "no-role": _no_role,
    "error": _error,
    "image": _image,
    "image-with-text": _image_with_text,
    "rejected-image": _rejected_image,
    "deletion": _deletion,
    "uploads": _uploads,
}
