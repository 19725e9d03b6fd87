"""A small OpenID provider: authorization code with PKCE, refresh tokens, and a choice of users without passwords."""

import base64
import hashlib
import secrets
import time
from collections.abc import Callable, Mapping
from html import escape
from urllib.parse import urlencode

import jwt
from aiohttp import web
from common.domain.principal import AppRole

# HS256 wants 32 bytes: https://www.rfc-editor.org/rfc/rfc7518#section-3.2
TOKEN_KEY = "key of the OpenID provider of the tests"
USERS: Mapping[str, tuple[AppRole, ...]] = {
    "reader": (AppRole.IMAGES_READ,),
    "uploader": (AppRole.IMAGES_READ, AppRole.IMAGES_UPLOAD),
    "operator": (AppRole.IMAGES_READ, AppRole.IMAGES_UPLOAD, AppRole.IMAGES_DELETE, AppRole.PIPELINE_OPERATE),
    "guest": (),
}
_NAMES = {"reader": "Rita Reader", "uploader": "Uli Uploader", "operator": "Olu Operator", "guest": "Gus Guest"}
_CORS = {"Access-Control-Allow-Origin": "*"}


class OpenIdProvider:
    """The provider's endpoints.

    Attributes:
        token_seconds: Lifetime of the tokens that are issued from now on, as the provider states it.
        is_refresh_refused: Whether refresh tokens are refused.
    """

    def __init__(self, origin: Callable[[], str]) -> None:
        self.reset()
        self._origin = origin
        # By code: the user, the query of the authorization request.
        self._codes: dict[str, tuple[str, dict[str, str]]] = {}
        self._refresh_tokens: dict[str, str] = {}

    def reset(self) -> None:
        """Issue tokens that are valid for an hour, and refresh them."""
        self.token_seconds = 3600
        self.is_refresh_refused = False

    def add_routes(self, router: web.UrlDispatcher) -> None:
        """Add the endpoints to an application."""
        router.add_get("/tenant/v2.0/.well-known/openid-configuration", self._configuration)
        router.add_get("/authorize", self._authorize)
        router.add_get("/continue", self._continue)
        router.add_post("/token", self._token)
        router.add_get("/logout", self._sign_out)

    def _issuer(self) -> str:
        return f"{self._origin()}/tenant/v2.0"

    async def _configuration(self, _request: web.Request) -> web.Response:
        document = {
            "issuer": self._issuer(),
            "authorization_endpoint": f"{self._origin()}/authorize",
            "token_endpoint": f"{self._origin()}/token",
            "end_session_endpoint": f"{self._origin()}/logout",
        }
        return web.json_response(document, headers=_CORS)

    async def _authorize(self, request: web.Request) -> web.Response:
        links = "".join(
            f'<p><a href="/continue?{escape(urlencode({**request.query, "user": user}))}">{name}</a></p>'
            for user, name in _NAMES.items()
        )
        return web.Response(text=f"<!doctype html><title>Sign in</title>{links}", content_type="text/html")

    async def _continue(self, request: web.Request) -> web.Response:
        query = dict(request.query)
        code = secrets.token_urlsafe()
        self._codes[code] = (query["user"], query)
        parameters = urlencode({"code": code, "state": query["state"]})
        raise web.HTTPFound(f"{query['redirect_uri']}?{parameters}")

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        if form["grant_type"] == "refresh_token":
            user = self._refresh_tokens.pop(str(form["refresh_token"]), None)
            if user is None or self.is_refresh_refused:
                return web.json_response({"error": "invalid_grant"}, status=400, headers=_CORS)
            return self._tokens(user, nonce=None)
        user, query = self._codes.pop(str(form["code"]))
        verifier = str(form["code_verifier"]).encode()
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier).digest()).rstrip(b"=").decode()
        if query["code_challenge_method"] != "S256" or challenge != query["code_challenge"]:
            return web.json_response({"error": "invalid_grant"}, status=400, headers=_CORS)
        return self._tokens(user, nonce=query.get("nonce"))

    def _tokens(self, user: str, *, nonce: str | None) -> web.Response:
        now = int(time.time())
        refresh_token = secrets.token_urlsafe()
        self._refresh_tokens[refresh_token] = user
        claims = {"aud": "client", "iss": self._issuer(), "sub": user, "oid": f"id-of-{user}", "iat": now}
        claims["exp"] = now + 3600
        identity = claims | {"name": _NAMES[user]} | ({"nonce": nonce} if nonce is not None else {})
        document = {
            "access_token": jwt.encode(claims | {"roles": [*USERS[user]]}, TOKEN_KEY, algorithm="HS256"),
            "id_token": jwt.encode(identity, TOKEN_KEY, algorithm="HS256"),
            "refresh_token": refresh_token,
            "token_type": "Bearer",
            "expires_in": self.token_seconds,
        }
        return web.json_response(document, headers=_CORS)

    async def _sign_out(self, request: web.Request) -> web.Response:
        raise web.HTTPFound(request.query["post_logout_redirect_uri"])
