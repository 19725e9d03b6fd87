"""Sign-in, roles and the end of a session, in a browser."""

import re

from playwright.sync_api import expect

from tests.functions.api.page.conftest import Visitor
from tests.functions.api.page.states import add_library
from tests.support.page.server import LocalPageServer


def test_after_sign_in_the_address_that_was_opened_is_shown(server: LocalPageServer, visitor: Visitor) -> None:
    server.run(add_library)

    page = visitor.sign_in("reader", "/?label=cat")

    expect(page.get_by_role("link", name="a close-up of a cat")).to_be_visible()
    expect(page.get_by_text("Rita Reader")).to_be_visible()
    assert page.url == f"{server.origin}/?label=cat"


def test_a_reload_keeps_the_user_and_sign_out_ends_the_session(server: LocalPageServer, visitor: Visitor) -> None:
    page = visitor.sign_in("reader")

    page.reload()
    page.get_by_role("button", name="Sign out").click()

    expect(page.get_by_role("button", name="Sign in")).to_be_visible()
    assert page.evaluate("sessionStorage.length") == 0


def test_a_reader_has_no_upload_and_no_deletion(server: LocalPageServer, visitor: Visitor) -> None:
    server.run(add_library)

    page = visitor.sign_in("reader")
    page.get_by_role("link", name="a cup of coffee").click()

    expect(page.get_by_role("button", name="Copy link")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("Upload|Delete"))).to_have_count(0)
    expect(page.locator("input[type=file]")).to_have_count(0)


def test_what_a_reader_is_not_shown_is_refused_by_the_api_too(server: LocalPageServer, visitor: Visitor) -> None:
    record = server.run(lambda services: services.add_photo("cat.png", photo="chelsea.png"))
    page = visitor.sign_in("reader")

    answers = page.evaluate(
        """async (id) => {
          const key = Object.keys(sessionStorage).find((name) => name.startsWith("oidc.user:"));
          const headers = {
            Authorization: `Bearer ${JSON.parse(sessionStorage[key]).access_token}`,
            "Content-Type": "application/json",
          };
          const body = JSON.stringify({ name: "a.png", contentType: "image/png", sizeBytes: 3 });
          const upload = await fetch("/api/uploads", { method: "POST", headers, body });
          const deletion = await fetch(`/api/images/${id}`, { method: "DELETE", headers });
          return [upload.status, (await upload.json()).code, deletion.status];
        }""",
        record.id,
    )

    assert answers == [403, "forbidden", 403]
    assert server.run(lambda services: record.id in services.records)


def test_tokens_are_renewed_before_they_expire(server: LocalPageServer, visitor: Visitor) -> None:
    server.run(add_library)
    # The page renews tokens that are valid for less than a minute.
    server.identities.token_seconds = 30

    page = visitor.sign_in("reader")

    expect(page.get_by_role("link", name="a cup of coffee")).to_be_visible()


def test_when_the_session_has_ended_the_page_asks_to_sign_in_again(server: LocalPageServer, visitor: Visitor) -> None:
    server.run(add_library)
    server.identities.token_seconds = 30
    page = visitor.sign_in("reader")
    expect(page.get_by_role("link", name="a cup of coffee")).to_be_visible()

    server.identities.is_refresh_refused = True
    page.get_by_label("Status").select_option("rejected")
    expect(page.get_by_role("heading", name="You were signed out")).to_be_visible()
    server.identities.reset()
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Rita Reader").click()

    expect(page.get_by_role("link", name="receipt.pdf.png")).to_be_visible()
    assert page.url == f"{server.origin}/?status=rejected"
