"""Fixtures of the tests in a browser: Chromium, the gallery's server, and pages of signed-in users."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, ConsoleMessage, FileChooser, Page, expect

from tests.support.page.browser import launch_chromium, sign_in
from tests.support.page.server import LocalPageServer

# Results are asked for every few seconds, and the machine does other things, too.
expect.set_options(timeout=15_000)

type ColorScheme = Literal["light", "dark"]

# Reports every violation of the content security policy to the test.
_WATCH_POLICY = """
addEventListener("securitypolicyviolation", (event) => {
  reportPolicyViolation(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
});
"""


@dataclass
class Visit:
    """A page of a browser context of its own, and what went wrong in it."""

    page: Page
    policy_violations: list[str] = field(default_factory=list[str])
    errors: list[str] = field(default_factory=list[str])

    def note_violation(self, text: str) -> None:
        """Note a violation of the content security policy."""
        self.policy_violations.append(text)

    def note_file_chooser(self, _: FileChooser) -> None:
        """Do nothing: tests that choose files wait for the picker by themselves."""

    def note_message(self, message: ConsoleMessage) -> None:
        """Note an error that was logged, except that the browser logs every response with an error status."""
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.errors.append(message.text)


@dataclass
class Visitor:
    """Opens the gallery in the browser."""

    browser: Browser
    server: LocalPageServer
    stack: ExitStack
    visits: list[Visit] = field(default_factory=list[Visit])

    def open(
        self,
        path: str = "/",
        *,
        width: int = 1280,
        height: int = 800,
        color_scheme: ColorScheme = "light",
        **options: Any,
    ) -> Page:
        """Open a path of the gallery in a new browser context, without a user."""
        context = self.browser.new_context(
            base_url=self.server.origin,
            viewport={"width": width, "height": height},
            color_scheme=color_scheme,
            locale="en-GB",
            timezone_id="Europe/Berlin",
            reduced_motion="reduce",
            permissions=["clipboard-read", "clipboard-write"],
            **options,
        )
        self.stack.callback(context.close)
        context.set_default_timeout(10_000)
        page = context.new_page()
        visit = Visit(page)
        self.visits.append(visit)
        page.expose_function("reportPolicyViolation", visit.note_violation)
        page.add_init_script(_WATCH_POLICY)
        page.on("pageerror", lambda error: visit.errors.append(str(error)))
        page.on("console", visit.note_message)
        # File pickers are caught from now on. Otherwise Playwright asks for that at the moment of the click, without
        # waiting for an answer (`updateSubscription`), and on a busy machine the click comes first.
        page.on("filechooser", visit.note_file_chooser)
        page.goto(path)
        return page

    def sign_in(self, user: str, path: str = "/", **options: Any) -> Page:
        """Open a path of the gallery, and sign in by the page's own button and the provider's page."""
        page = self.open(path, **options)
        sign_in(page, user)
        return page


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The system's Chromium."""
    with launch_chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def running_server() -> Iterator[LocalPageServer]:
    """The server, for the tests of a file."""
    with LocalPageServer() as server:
        yield server


@pytest.fixture
def server(running_server: LocalPageServer) -> LocalPageServer:
    """The server without images."""
    running_server.reset()
    return running_server


@pytest.fixture
def visitor(browser: Browser, server: LocalPageServer) -> Iterator[Visitor]:
    """Opens pages; afterwards none of them may have violated the policy or thrown an error."""
    with ExitStack() as stack:
        visitor = Visitor(browser, server, stack)
        yield visitor
        assert [violation for visit in visitor.visits for violation in visit.policy_violations] == []
        assert [error for visit in visitor.visits for error in visit.errors] == []
