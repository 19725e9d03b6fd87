"""Sign-in and roles, in a browser."""

from playwright.sync_api import expect

from tests.functions.api.page.conftest import Visitor
from tests.support.gallery.server import GalleryServer


def test_a_user_signs_in_and_sees_the_images(server: GalleryServer, visitor: Visitor) -> None:
    server.run(lambda services: services.add_photo("chelsea.png", photo="chelsea.png"))

    page = visitor.sign_in("reader")

    expect(page.get_by_role("link", name="a close-up of a cat")).to_be_visible()
    expect(page.get_by_text("Rita Reader")).to_be_visible()
    assert page.url == f"{server.origin}/"
