"""The requests to login.microsoftonline.com."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

from aiohttp import web

from emulator.core.application_tokens import NotAssignedError, check_assignment
from emulator.core.directory import Directory
from emulator.core.identity import Identities
from emulator.core.tenant import AUTHORITY, TENANT_ID
from emulator.core.users import USERS, User
from emulator.services.sign_in.authorization import (
    AuthorizationRequest,
    find_client,
    read_redirect_uri,
    read_request,
    read_response_mode,
)
from emulator.services.sign_in.errors import SignInError, UnsupportedRequestError, missing_parameter
from emulator.services.sign_in.grants import Grants
from emulator.services.sign_in.page import choice_page, error_page, html_response
from emulator.services.sign_in.redemption import TokenEndpoint, client_info

_COOKIE = "EMULATORSIGNIN"
_ANY_ORIGIN = {"Access-Control-Allow-Origin": "*"}
_MULTI_TENANT = frozenset({"common", "consumers", "organizations"})


class SignInHandler:
    """An OpenID provider for the tenant's users, whose app roles are those of the deployed assignments."""

    def __init__(self, identities: Identities, directory: Directory, grants: Grants | None = None) -> None:
        self._identities = identities
        self._directory = directory
        self._grants = grants or Grants()
        self._tokens = TokenEndpoint(identities, directory, self._grants)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """The response to a request."""
        tenant, _, path = request.path.removeprefix("/").partition("/")
        try:
            _check_tenant(tenant)
            match request.method, path:
                case "GET", "v2.0/.well-known/openid-configuration":
                    return web.json_response(openid_configuration(), headers=_ANY_ORIGIN)
                case "GET", "discovery/v2.0/keys":
                    return web.json_response(self._identities.signing_keys(), headers=_ANY_ORIGIN)
                case "GET", "oauth2/v2.0/authorize":
                    return self._authorize(request)
                case "POST", "login":
                    return await self._login(request)
                case "POST", "oauth2/v2.0/token":
                    return await self._token(request)
                case "OPTIONS", "oauth2/v2.0/token":
                    return web.Response(status=204, headers=self._preflight_headers(request))
                case "GET", "oauth2/v2.0/logout":
                    return self._logout(request)
                case _:
                    raise UnsupportedRequestError(f"the emulator does not support {request.method} {request.path}")
        except SignInError as error:
            return html_response(error_page("Sign-in failed", error.description), status=400)
        except NotAssignedError as error:
            return html_response(error_page("Sign-in failed", str(error)), status=403)
        except UnsupportedRequestError as error:
            return html_response(error_page("Not supported", str(error)), status=501)

    def _authorize(self, request: web.Request) -> web.Response:
        parameters = request.query
        client = find_client(parameters, self._directory)
        redirect_uri = read_redirect_uri(parameters, client)
        response_mode = read_response_mode(parameters)
        try:
            authorization = read_request(
                parameters,
                client=client,
                redirect_uri=redirect_uri,
                response_mode=response_mode,
                directory=self._directory,
            )
        except SignInError as error:
            return _redirect(redirect_uri, response_mode, _error_answer(error, parameters.get("state")))
        user = self._grants.session_user(request.cookies.get(_COOKIE))
        if authorization.prompt == "none":
            return self._authorize_silently(authorization, user)
        if user is not None and authorization.prompt in {"", "consent"}:
            return self._send_code(authorization, user)
        hint = parameters.get("login_hint", "").lower()
        users = tuple(user for user in USERS if user.principal_name == hint) or USERS
        pending_id = self._grants.add_pending(authorization)
        return html_response(choice_page(client, self._directory, pending_id, users))

    def _authorize_silently(self, authorization: AuthorizationRequest, user: User | None) -> web.Response:
        """The answer to `prompt=none`, which never shows a page."""
        try:
            if user is None:
                raise SignInError(
                    "login_required", 50058, "A silent sign-in request was sent but no user is signed in."
                )
            return self._send_code(authorization, user)
        except NotAssignedError as error:
            refusal = SignInError("interaction_required", 50105, str(error).partition(": ")[2])
        except SignInError as error:
            refusal = error
        answer = _error_answer(refusal, authorization.state)
        return _redirect(authorization.redirect_uri, authorization.response_mode, answer)

    async def _login(self, request: web.Request) -> web.Response:
        """The answer to the choice of a user."""
        form = await _read_form(request)
        authorization = self._grants.take_pending(form.get("request", ""))
        if authorization is None:
            raise SignInError("invalid_request", 165000, "The request expired, or was answered already: sign in again.")
        user = next((user for user in USERS if user.name == form.get("user")), None)
        if user is None:
            raise SignInError("invalid_request", 50034, "The user account does not exist in the directory.")
        response = self._send_code(authorization, user)
        response.set_cookie(
            _COOKIE, self._grants.start_session(user), secure=True, httponly=True, samesite="None", path="/"
        )
        return response

    def _send_code(self, authorization: AuthorizationRequest, user: User) -> web.Response:
        """A redirect with a code. Raises NotAssignedError."""
        check_assignment(authorization.client, self._directory, user.object_id)
        check_assignment(authorization.scopes.application, self._directory, user.object_id)
        answer = {"code": self._grants.issue_code(authorization, user)}
        if authorization.wants_client_info:
            answer["client_info"] = client_info(user)
        if authorization.state is not None:
            answer["state"] = authorization.state
        return _redirect(authorization.redirect_uri, authorization.response_mode, answer)

    async def _token(self, request: web.Request) -> web.Response:
        form = await _read_form(request)
        headers = {"Cache-Control": "no-store", **self._cors_headers(request, form.get("client_id", ""))}
        try:
            tokens = self._tokens.redeem(form, request.headers.get("Origin"))
        except SignInError as error:
            return web.json_response(error.to_json(), status=400, headers=headers)
        return web.json_response(tokens, headers=headers)

    def _cors_headers(self, request: web.Request, client_id: str) -> dict[str, str]:
        """Headers that let a page read the response: one at the origin of a redirect URI of the client, or of any.

        https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow#redirect-uris-for-single-page-apps-spas
        """
        origin = request.headers.get("Origin", "")
        origins = {
            _origin_pattern(uri)
            for application in self._directory.applications()
            if client_id in {"", application.client_id}
            for uri in application.spa_redirect_uris
        }
        if not origin or _origin_pattern(origin) not in origins:
            return {}
        return {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}

    def _preflight_headers(self, request: web.Request) -> dict[str, str]:
        headers = self._cors_headers(request, "")
        if headers:
            headers |= {
                "Access-Control-Allow-Methods": "POST",
                "Access-Control-Allow-Headers": request.headers.get("Access-Control-Request-Headers", ""),
                "Access-Control-Max-Age": "86400",
            }
        return headers

    def _logout(self, request: web.Request) -> web.Response:
        """Ends the session; returns to `post_logout_redirect_uri` if it is a redirect URI of an application."""
        self._grants.end_session(request.cookies.get(_COOKIE))
        target = request.query.get("post_logout_redirect_uri", "")
        known = {uri for application in self._directory.applications() for uri in application.spa_redirect_uris}
        response = html_response(error_page("You signed out", "You can close this page."))
        if target in known:
            response = web.Response(status=302, headers={"Location": target, "Cache-Control": "no-store"})
        response.del_cookie(_COOKIE, path="/", secure=True, httponly=True, samesite="None")
        return response


def openid_configuration() -> dict[str, Any]:
    """The metadata of the provider: https://openid.net/specs/openid-connect-discovery-1_0.html."""
    base = f"{AUTHORITY}/{TENANT_ID}"
    return {
        "issuer": f"{base}/v2.0",
        "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
        "token_endpoint": f"{base}/oauth2/v2.0/token",
        "end_session_endpoint": f"{base}/oauth2/v2.0/logout",
        "jwks_uri": f"{base}/discovery/v2.0/keys",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "fragment"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "tenant_region_scope": None,
        "cloud_instance_name": "microsoftonline.com",
    }


def _check_tenant(tenant: str) -> None:
    if tenant in _MULTI_TENANT:
        raise SignInError(
            "invalid_request",
            50194,
            "The application is not configured as a multi-tenant application. Usage of the /common endpoint is not"
            " supported for such apps. Use a tenant-specific endpoint.",
        )
    if tenant.lower() != TENANT_ID:
        raise SignInError("invalid_request", 90002, f"Tenant '{tenant}' not found.")


async def _read_form(request: web.Request) -> Mapping[str, str]:
    if request.content_type != "application/x-www-form-urlencoded":
        raise missing_parameter("grant_type")
    form = await request.post()
    return {name: value for name, value in form.items() if isinstance(value, str)}


def _error_answer(error: SignInError, state: str | None) -> dict[str, str]:
    answer = {"error": error.error, "error_description": error.description}
    return answer if state is None else {**answer, "state": state}


def _redirect(redirect_uri: str, response_mode: str, answer: Mapping[str, str]) -> web.Response:
    """A redirect to the application; a redirect URI without a path gets one, as with Entra ID."""
    uri = urlsplit(redirect_uri)
    uri = uri._replace(path=uri.path or "/")
    text = urlencode(answer)
    if response_mode == "fragment":
        target = uri._replace(fragment=text)
    else:
        target = uri._replace(query=f"{uri.query}&{text}" if uri.query else text)
    return web.Response(status=302, headers={"Location": target.geturl(), "Cache-Control": "no-store"})


def _origin_pattern(uri: str) -> str:
    """The origin of a URI; without its port on this machine, where the port does not count."""
    split_uri = urlsplit(uri)
    if split_uri.scheme == "http" and split_uri.hostname in {"localhost", "127.0.0.1"}:
        return f"http://{split_uri.hostname}"
    return f"{split_uri.scheme}://{split_uri.netloc}".lower()
