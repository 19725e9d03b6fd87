"""Failures of the network and of services, in a browser: what recovers by itself, and what the user is told."""

from common.domain.errors import RetryLaterError
from playwright.sync_api import Page, expect

from tests.functions.api.page.conftest import Visitor
from tests.functions.api.page.states import add_library, choose_files, image_count
from tests.support.page.server import LocalPageServer
from tests.support.page.services import photo_path


def test_an_upload_whose_connection_is_lost_is_sent_again(server: LocalPageServer, visitor: Visitor) -> None:
    page = visitor.sign_in("uploader")
    server.storage.uploads_to_cut = 2

    choose_files(page, [photo_path("coffee.png")])

    expect(page.get_by_role("link", name="a cup of coffee")).to_be_visible()
    assert server.storage.uploads_to_cut == 0
    assert server.run(lambda services: services.contents["coffee.png"][0]) == photo_path("coffee.png").read_bytes()


def test_an_upload_whose_answer_is_lost_is_not_stored_twice(server: LocalPageServer, visitor: Visitor) -> None:
    page = visitor.sign_in("uploader")
    server.storage.answers_to_lose = 1

    choose_files(page, [photo_path("coffee.png")])

    expect(page.get_by_role("link", name="a cup of coffee")).to_be_visible()
    assert server.run(lambda services: set(services.contents)) == {"coffee.png"}


def test_an_upload_that_was_given_up_is_tried_again_by_the_user(server: LocalPageServer, visitor: Visitor) -> None:
    page = visitor.sign_in("uploader")
    page.clock.install()
    page.context.set_offline(offline=True)
    choose_files(page, [photo_path("coffee.png")])
    expect(page.get_by_role("region", name="Uploads")).to_contain_text("Checking")
    _pass_time(page, text="The server cannot be reached.")

    page.context.set_offline(offline=False)
    page.get_by_role("button", name="Try again").click()
    _pass_time(page, text="Classified")

    expect(page.get_by_role("link", name="a cup of coffee")).to_be_visible()


def _pass_time(page: Page, *, text: str) -> None:
    """Let the page's own timers run, a second at a time, until the uploads say `text`."""
    uploads = page.get_by_role("region", name="Uploads")
    for _ in range(60):
        if text in uploads.inner_text():
            return
        page.clock.run_for(1000)
    expect(uploads).to_contain_text(text)


def test_a_list_that_fails_for_a_moment_appears(server: LocalPageServer, visitor: Visitor) -> None:
    server.run(add_library)
    page = visitor.open()
    attempts: list[str] = []

    def fail_once(route) -> None:
        attempts.append(route.request.url)
        if len(attempts) == 1:
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/api/images?*", fail_once)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Rita Reader").click()

    expect(image_count(page)).to_have_text("18 images")
    assert len(attempts) == 2


def test_a_service_that_is_down_is_named_and_can_be_tried_again(server: LocalPageServer, visitor: Visitor) -> None:
    server.run(add_library)
    page = visitor.sign_in("reader")
    expect(image_count(page)).to_have_text("18 images")
    page.clock.install()
    server.run(lambda services: services.failures.update(list_records=RetryLaterError("Cosmos DB answers 503")))

    page.get_by_label("Status").select_option("failed")
    alert = page.get_by_role("alert")
    for _ in range(60):
        if alert.count():
            break
        page.clock.run_for(1000)
    expect(alert).to_contain_text("The images cannot be shown")
    server.run(lambda services: services.failures.clear())
    page.get_by_role("button", name="Try again").click()

    expect(page.get_by_role("link", name="contract.png")).to_be_visible()
