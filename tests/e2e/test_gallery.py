"""The gallery as a browser on this machine reaches it, without a certificate: page, sign-in, upload, record."""

import base64
import hashlib
import json
import re
import secrets
import subprocess
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests

from tests.e2e.conftest import Checkout

pytestmark = pytest.mark.emulator

CAT = Path(str(files("skimage.data") / "chelsea.png"))
LOCAL = re.compile(r"http://127\.0\.0\.1:\d+")
AZURE = re.compile(r"https://[\w.-]*(?:azurewebsites\.net|core\.windows\.net|microsoftonline\.com)")


class Browser:
    """An HTTP client that knows nothing but the gallery's address; a page's requests have its origin."""

    def __init__(self, urls: dict[str, str]) -> None:
        self.urls = urls
        self.page = urls["gallery"]
        self.origin = self.page.rstrip("/")
        self.session = requests.Session()
        # No proxy and no certificate authority of the environment.
        self.session.trust_env = False
        self.configuration: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}

    def send(self, method: str, url: str, **options: Any) -> requests.Response:
        """Send a request of the page, and check that its script may read the response."""
        headers = {"Origin": self.origin, **options.pop("headers", {})}
        response = self.session.request(
            method, urljoin(self.page, url), headers=headers, timeout=60, allow_redirects=False, **options
        )
        assert AZURE.findall(f"{response.headers} {response.text if len(response.content) < 50_000 else ''}") == []
        if not response.url.startswith(self.page):
            assert response.headers["Access-Control-Allow-Origin"] in {self.origin, "*"}
        return response

    def open(self) -> requests.Response:
        """Load the page, its configuration, and the metadata of the authority."""
        page = self.session.get(self.page, timeout=60)
        self.configuration = self.send("GET", "/api/configuration").json()
        authority = f"{self.configuration['authority']}/v2.0"
        self.metadata = self.send("GET", f"{authority}/.well-known/openid-configuration").json()
        return page

    def sign_in(self, user: str) -> dict[str, Any]:
        """Sign in by the authorization code flow with PKCE, and return the tokens."""
        verifier = secrets.token_urlsafe(48)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        parameters = {
            "client_id": self.configuration["clientId"],
            "response_type": "code",
            "redirect_uri": self.page,
            "scope": f"openid profile offline_access {self.configuration['scope']}",
            "state": "state-1",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        choice = self.session.get(self.metadata["authorization_endpoint"], params=parameters, timeout=60)
        assert choice.status_code == 200
        assert len(re.findall('<button name="user"', choice.text)) == 5
        (pending,) = re.findall(r'name="request" value="([^"]+)"', choice.text)
        (action,) = re.findall(r'action="([^"]+)"', choice.text)
        chosen = self.session.post(
            urljoin(choice.url, action), data={"request": pending, "user": user}, timeout=60, allow_redirects=False
        )
        assert chosen.status_code == 302
        assert chosen.headers["Location"].startswith(f"{self.page}?")
        answer = parse_qs(urlsplit(chosen.headers["Location"]).query)
        assert answer["state"] == ["state-1"]
        form = {
            "client_id": self.configuration["clientId"],
            "grant_type": "authorization_code",
            "code": answer["code"][0],
            "redirect_uri": self.page,
            "code_verifier": verifier,
        }
        response = self.send("POST", self.metadata["token_endpoint"], data=form)
        assert response.status_code == 200, response.text
        return response.json()


@pytest.fixture(scope="module")
def urls(local_stack: Checkout) -> dict[str, str]:
    return json.loads(local_stack.make("urls", "FORMAT=json").stdout)


@pytest.fixture
def browser(urls: dict[str, str]) -> Iterator[Browser]:
    browser = Browser(urls)
    with browser.session:
        browser.open()
        yield browser


def test_the_first_up_ends_with_the_address_of_the_gallery(
    first_up: subprocess.CompletedProcess[str], urls: dict[str, str]
) -> None:
    assert json.loads(first_up.stdout.splitlines()[-1]) == urls
    assert all(LOCAL.match(url) for url in urls.values())
    assert urls["api"] == f"{urls['gallery']}api"


def test_the_page_and_its_files_are_there(browser: Browser) -> None:
    page = browser.session.get(browser.page, timeout=60)
    assert (page.status_code, page.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert "Strict-Transport-Security" not in page.headers
    policy = page.headers["Content-Security-Policy"]
    assert AZURE.findall(policy) == []
    # The page may call the blob endpoint and the authority, each at an origin of its own.
    assert len(set(LOCAL.findall(policy))) == 2
    assert browser.origin not in LOCAL.findall(policy)
    for name in re.findall(r'(?:src|href)="(/page/[^"]+)"', page.text):
        file = browser.send("GET", name)
        assert file.status_code == 200
        again = browser.send("GET", name, headers={"If-None-Match": file.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
    assert browser.send("GET", "/page/none.js").status_code == 404
    assert browser.send("GET", "/none").status_code == 404


def test_a_photo_is_uploaded_and_its_record_arrives(browser: Browser) -> None:
    tokens = browser.sign_in("uploader")
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    content = CAT.read_bytes()
    request = {"name": "gallery/cat é.png", "contentType": "image/png", "sizeBytes": len(content)}
    created = browser.send("POST", "/api/uploads", headers=headers, json=request | {"onConflict": "suffix"})
    assert created.status_code == 201, created.text
    permission = created.json()
    put_headers = {header["name"]: header["value"] for header in permission["headers"]}
    preflight = browser.send(
        "OPTIONS",
        permission["url"],
        headers={
            "Access-Control-Request-Method": "PUT",
            "Access-Control-Request-Headers": ",".join(sorted(name.lower() for name in put_headers)),
        },
    )
    assert preflight.status_code == 200
    assert browser.send("PUT", permission["url"], headers=put_headers, data=content).status_code == 201
    deadline = time.monotonic() + 60
    while (record := browser.send("GET", permission["statusUrl"], headers=headers)).status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(1)
    assert record.json()["category"]["name"] == "cat"
    results = browser.send("GET", "/api/images?q=cat", headers=headers).json()["items"]
    item = next(item for item in results if item["id"] == permission["id"])
    picture = browser.send("GET", item["contentUrl"])
    assert (picture.status_code, picture.content) == (200, content)


def test_a_session_is_renewed_and_ended(browser: Browser) -> None:
    tokens = browser.sign_in("reader")
    form = {
        "client_id": browser.configuration["clientId"],
        "grant_type": "refresh_token",
        "refresh_token": tokens["refresh_token"],
    }
    renewed = browser.send("POST", browser.metadata["token_endpoint"], data=form).json()
    headers = {"Authorization": f"Bearer {renewed['access_token']}"}
    assert browser.send("GET", "/api/images?limit=1", headers=headers).status_code == 200
    upload = {"name": "x.png", "contentType": "image/png", "sizeBytes": 3}
    assert browser.send("POST", "/api/uploads", headers=headers, json=upload).status_code == 403
    ended = browser.session.get(
        browser.metadata["end_session_endpoint"],
        params={"post_logout_redirect_uri": browser.page},
        timeout=60,
        allow_redirects=False,
    )
    assert (ended.status_code, ended.headers["Location"]) == (302, browser.page)


def test_the_addresses_are_the_same_after_a_restart(local_stack: Checkout, urls: dict[str, str]) -> None:
    assert local_stack.emulator("stop").returncode == 0
    assert local_stack.emulator("start").returncode == 0
    page = requests.get(urls["gallery"], timeout=60, proxies={"http": ""})
    assert page.status_code == 200
    assert json.loads(local_stack.make("urls", "FORMAT=json").stdout) == urls
    assert local_stack.make("urls").stdout.split()[:2] == ["gallery", urls["gallery"]]
