"""Requests to the authorization endpoint: what they ask for, and what Entra ID refuses.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow#request-an-authorization-code
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from emulator.core.directory import Application, Directory
from emulator.core.tenant import TENANT_ID
from emulator.services.sign_in.errors import SignInError, UnsupportedRequestError, missing_parameter

_OPENID_SCOPES = frozenset({"email", "offline_access", "openid", "profile"})
_LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1"})
# https://www.rfc-editor.org/rfc/rfc7636#section-4.2
_CHALLENGE_LENGTHS = range(43, 129)
_PROMPTS = ("", "consent", "login", "none", "select_account")

type ResponseMode = Literal["query", "fragment"]


@dataclass(frozen=True, kw_only=True)
class Scopes:
    """The scopes of a request.

    Attributes:
        openid: Those of OpenID Connect, such as `offline_access`.
        permissions: Values of the delegated permissions on the API.
        application: The API.
    """

    openid: frozenset[str]
    permissions: tuple[str, ...]
    application: Application

    def to_text(self) -> str:
        """The value of `scope` in a response."""
        name = self.application.identifier_uris[0] if self.application.identifier_uris else self.application.client_id
        return " ".join([*(f"{name}/{permission}" for permission in self.permissions), *sorted(self.openid)])


@dataclass(frozen=True, kw_only=True)
class AuthorizationRequest:
    """A valid request for an authorization code."""

    client: Application
    redirect_uri: str
    response_mode: ResponseMode
    state: str | None
    nonce: str | None
    prompt: str
    scopes: Scopes
    code_challenge: str | None
    wants_client_info: bool


def find_client(parameters: Mapping[str, str], directory: Directory) -> Application:
    """Return the application that a request comes from. Raises SignInError."""
    client_id = parameters.get("client_id", "")
    if not client_id:
        raise missing_parameter("client_id")
    client = directory.find_application(client_id)
    if client is None or client.client_id != client_id.lower() or client.service_principal_id is None:
        raise SignInError(
            "unauthorized_client",
            700016,
            f"Application with identifier '{client_id}' was not found in the directory '{TENANT_ID}'. This can happen"
            " if the application has not been installed by the administrator of the tenant or consented to by any user"
            " in the tenant. You may have sent your authentication request to the wrong tenant.",
        )
    return client


def read_redirect_uri(parameters: Mapping[str, str], client: Application) -> str:
    """Return the redirect URI. Raises SignInError if the application does not have it."""
    redirect_uri = parameters.get("redirect_uri", "")
    if not any(_matches(redirect_uri, registered) for registered in client.spa_redirect_uris):
        raise SignInError(
            "invalid_request",
            50011,
            f"The redirect URI '{redirect_uri}' specified in the request does not match the redirect URIs configured"
            f" for the application '{client.client_id}'. Make sure the redirect URI sent in the request matches one"
            " added to your application in the Azure portal.",
        )
    return redirect_uri


def read_response_mode(parameters: Mapping[str, str]) -> ResponseMode:
    """Return where the response is put. Raises UnsupportedRequestError."""
    match parameters.get("response_mode", "query"):
        case "query":
            return "query"
        case "fragment":
            return "fragment"
        case other:
            raise UnsupportedRequestError(f"response_mode {other!r} is not supported; use query or fragment")


def read_request(
    parameters: Mapping[str, str],
    *,
    client: Application,
    redirect_uri: str,
    response_mode: ResponseMode,
    directory: Directory,
) -> AuthorizationRequest:
    """Return the rest of a request. Raises SignInError, which is sent to the redirect URI."""
    _check_response_type(parameters.get("response_type", ""))
    prompt = parameters.get("prompt", "")
    if prompt not in _PROMPTS:
        raise SignInError("invalid_request", 90023, f"Unsupported 'prompt' value: '{prompt}'.")
    return AuthorizationRequest(
        client=client,
        redirect_uri=redirect_uri,
        response_mode=response_mode,
        state=parameters.get("state"),
        nonce=parameters.get("nonce"),
        prompt=prompt,
        scopes=read_scopes(parameters.get("scope", ""), client, directory),
        code_challenge=_read_code_challenge(parameters),
        wants_client_info=parameters.get("client_info") == "1",
    )


def read_scopes(text: str, client: Application, directory: Directory) -> Scopes:
    """Return the scopes of a request.

    Raises:
        SignInError: A scope does not exist, or the client has no consent for it.
        UnsupportedRequestError: The request names no API; Entra ID would issue a token for Microsoft Graph.
    """
    if not text.split():
        raise missing_parameter("scope")
    openid = frozenset(text.split()) & _OPENID_SCOPES
    names = [name for name in text.split() if name not in _OPENID_SCOPES]
    if not names:
        raise UnsupportedRequestError(
            f"the emulator has no Microsoft Graph: request a scope of the API too, such as {client.client_id}/.default"
        )
    resources = {name.rpartition("/")[0] for name in names}
    if len(resources) > 1:
        raise SignInError(
            "invalid_request",
            28000,
            "Provided value for the input parameter scope is not valid because it contains more than one resource.",
        )
    (resource,) = resources
    application = directory.find_application(resource) if resource else None
    if application is None:
        raise SignInError(
            "invalid_resource",
            500011,
            f"The resource principal named {resource} was not found in the tenant named {TENANT_ID}.",
        )
    permitted = _permissions(client, application)
    requested = {name.rpartition("/")[2] for name in names}
    for unknown in sorted(requested - {".default"} - set(application.scopes.values())):
        raise SignInError(
            "invalid_client",
            650053,
            f"The application '{client.display_name}' asked for scope '{unknown}' that doesn't exist on the resource"
            f" '{application.client_id}'. Contact the app vendor.",
        )
    permissions = permitted if ".default" in requested else permitted & requested
    if not permissions or (requested - {".default"}) - permissions:
        raise SignInError(
            "invalid_grant",
            65001,
            f"The user or administrator has not consented to use the application with ID '{client.client_id}' named"
            f" '{client.display_name}'. Send an interactive authorization request for this user and resource.",
        )
    return Scopes(openid=openid, permissions=tuple(sorted(permissions)), application=application)


def _permissions(client: Application, application: Application) -> frozenset[str]:
    """The permissions on an API that a client has without consent: on itself, or as a pre-authorized application."""
    if client.client_id == application.client_id:
        return frozenset(application.scopes.values())
    ids = application.pre_authorized.get(client.client_id, ())
    return frozenset(application.scopes[id_] for id_ in ids if id_ in application.scopes)


def _check_response_type(response_type: str) -> None:
    if not response_type:
        raise missing_parameter("response_type")
    if response_type == "code":
        return
    code = {"id_token": 700054, "token": 700051}.get(response_type, 70005)
    raise SignInError(
        "unsupported_response_type", code, f"response_type '{response_type}' is not enabled for the application."
    )


def _read_code_challenge(parameters: Mapping[str, str]) -> str | None:
    """The code challenge; a code without one cannot be redeemed by a browser."""
    code_challenge = parameters.get("code_challenge")
    if code_challenge is None:
        return None
    if parameters.get("code_challenge_method", "plain") != "S256":
        raise UnsupportedRequestError("the emulator supports code_challenge_method S256 only")
    if len(code_challenge) not in _CHALLENGE_LENGTHS:
        raise SignInError("invalid_request", 501491, "Invalid size of Code_Challenge parameter.")
    return code_challenge


def _matches(redirect_uri: str, registered: str) -> bool:
    """Exact equality, but on this machine the port does not count.

    https://learn.microsoft.com/entra/identity-platform/reply-url#localhost-exceptions
    """
    if redirect_uri == registered:
        return True
    try:
        actual = urlsplit(redirect_uri)
        expected = urlsplit(registered)
    except ValueError:
        return False
    return (
        actual.scheme == expected.scheme == "http"
        and actual.hostname in _LOCAL_HOSTS
        and actual._replace(netloc=actual.hostname or "") == expected._replace(netloc=expected.hostname or "")
        and "@" not in actual.netloc
    )
