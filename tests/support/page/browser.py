"""The system's Chromium, and the sign-in to the gallery in it."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Page, sync_playwright

from scripts.chromium import find_chromium


@contextmanager
def launch_chromium() -> Iterator[Browser]:
    """Yield a browser without a window."""
    chromium = find_chromium()
    assert chromium is not None, "run `make setup-dev`, which installs Chromium"
    # The sandbox of Chromium refuses to run as root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


def sign_in(page: Page, user: str) -> None:
    """Sign in as a user whose name has the text `user`, by the page's own button and the provider's page."""
    page.get_by_role("button", name="Sign in").click()
    name = re.compile(user, re.IGNORECASE)
    page.get_by_role("link", name=name).or_(page.get_by_role("button", name=name)).click()
    page.get_by_role("button", name="Sign out").wait_for()
