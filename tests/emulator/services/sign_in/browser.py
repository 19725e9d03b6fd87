"""A browser that signs in at the emulated OpenID provider."""

import asyncio
import base64
import hashlib
import re
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient, TestServer

from emulator.core.identity import Identities
from emulator.gateway.proxy import ConnectionOrigins
from emulator.gateway.router import create_application
from emulator.services.sign_in.grants import Grants
from emulator.services.sign_in.handler import SignInHandler
from tests.emulator.tenant import REDIRECT_URI, TENANT, Tenant

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
HOST = "login.microsoftonline.com"


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


class Response:
    """What a test looks at of a response."""

    def __init__(self, status: int, headers: dict[str, str], text: str, json: Any) -> None:
        self.status = status
        self.headers = headers
        self.text = text
        self.json = json

    @property
    def location(self) -> str:
        return self.headers["Location"]

    @property
    def answer(self) -> dict[str, str]:
        """The parameters of a redirect, in the query or the fragment."""
        uri = urlsplit(self.location)
        return {name: values[0] for name, values in parse_qs(uri.query or uri.fragment).items()}


class Browser:
    """Sends requests to login.microsoftonline.com, and keeps its cookie; `origin` is that of the page."""

    def __init__(self, tenant: Tenant, identities: Identities, client_id: str) -> None:
        self.clock = Clock()
        self._handler = SignInHandler(identities, tenant.directory, Grants(now=self.clock))
        self.client_id = client_id
        self.origin: str | None = "https://images.example"
        self.cookie = ""

    def send(self, method: str, path: str, **options: Any) -> Response:
        async def conversation() -> Response:
            application = create_application({HOST: self._handler.handle}, ConnectionOrigins())
            async with TestClient(TestServer(application)) as client:
                headers = {"Host": HOST, **options.pop("headers", {})}
                if self.cookie:
                    headers["Cookie"] = self.cookie
                async with client.request(method, path, headers=headers, allow_redirects=False, **options) as response:
                    return await self._read(response)

        return asyncio.run(conversation())

    async def _read(self, response: ClientResponse) -> Response:
        cookie = response.headers.get("Set-Cookie", "")
        if cookie:
            self.cookie = cookie.partition(";")[0]
        is_json = response.content_type == "application/json"
        return Response(
            response.status, dict(response.headers), await response.text(), await response.json() if is_json else None
        )

    def parameters(self, **changes: str | None) -> dict[str, str]:
        """The parameters of a good authorization request; a change to None leaves one out."""
        parameters = {
            "client_id": self.client_id,
            "response_type": "code",
            "redirect_uri": REDIRECT_URI,
            "response_mode": "query",
            "scope": f"openid profile offline_access api://{self.client_id}/user_impersonation",
            "state": "state-1",
            "nonce": "nonce-1",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        } | changes
        return {name: value for name, value in parameters.items() if value is not None}

    def authorize(self, **changes: str | None) -> Response:
        return self.send("GET", f"/{TENANT}/oauth2/v2.0/authorize?{urlencode(self.parameters(**changes))}")

    def choose(self, page: Response, user: str) -> Response:
        """Choose a user on the page."""
        match = re.search(r'name="request" value="([^"]+)"', page.text)
        assert match is not None, page.text
        return self.send("POST", f"/{TENANT}/login", data={"request": match[1], "user": user})

    def sign_in(self, user: str, **changes: str | None) -> str:
        """Return a code for a user."""
        return self.choose(self.authorize(**changes), user).answer["code"]

    def token(self, **form: str | None) -> Response:
        """Send a request to the token endpoint."""
        data = {"client_id": self.client_id, **form}
        headers = {} if self.origin is None else {"Origin": self.origin}
        return self.send(
            "POST",
            f"/{TENANT}/oauth2/v2.0/token",
            data={name: value for name, value in data.items() if value is not None},
            headers=headers,
        )

    def redeem(self, authorization_code: str, /, **changes: str | None) -> Response:
        form: dict[str, str | None] = {
            "grant_type": "authorization_code",
            "code": authorization_code,
            "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER,
        }
        return self.token(**(form | changes))

    def refresh(self, refresh_token: str, /, **changes: str | None) -> Response:
        form: dict[str, str | None] = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return self.token(**(form | changes))


def error_code(response: Response) -> tuple[int, str, int]:
    """Status, error and AADSTS number of an error response of the token endpoint."""
    assert response.json["error_description"].startswith(f"AADSTS{response.json['error_codes'][0]}: ")
    return response.status, response.json["error"], response.json["error_codes"][0]
