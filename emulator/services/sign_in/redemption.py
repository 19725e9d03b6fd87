"""Redemption of codes and refresh tokens at the token endpoint, by browsers.

https://learn.microsoft.com/entra/identity-platform/v2-oauth2-auth-code-flow#redeem-a-code-for-an-access-token
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from emulator.core.application_tokens import LIFETIME_SECONDS, NotAssignedError, access_token_claims, id_token_claims
from emulator.core.directory import Application, Directory
from emulator.core.identity import Identities
from emulator.core.tenant import TENANT_ID
from emulator.core.users import User
from emulator.services.sign_in.authorization import Scopes, find_client, read_scopes
from emulator.services.sign_in.errors import SignInError, missing_parameter
from emulator.services.sign_in.grants import Grants, RefreshToken


class TokenEndpoint:
    """Answers requests to the token endpoint."""

    def __init__(self, identities: Identities, directory: Directory, grants: Grants) -> None:
        self._identities = identities
        self._directory = directory
        self._grants = grants

    def redeem(self, parameters: Mapping[str, str], origin: str | None) -> dict[str, Any]:
        """Return the tokens for a request.

        Args:
            parameters: The form of the request.
            origin: The header Origin, which browsers send.

        Raises:
            SignInError: The request is refused.
        """
        client = find_client(parameters, self._directory)
        grant_type = parameters.get("grant_type", "")
        match grant_type:
            case "authorization_code":
                _check_public_client(parameters)
                return self._redeem_code(parameters, client, origin)
            case "refresh_token":
                _check_public_client(parameters)
                return self._redeem_refresh_token(parameters, client, origin)
            case "client_credentials":
                raise _client_credentials_error(parameters)
            case "":
                raise missing_parameter("grant_type")
            case _:
                raise SignInError(
                    "unsupported_grant_type", 70003, f"The app requested an unsupported grant type '{grant_type}'."
                )

    def _redeem_code(self, parameters: Mapping[str, str], client: Application, origin: str | None) -> dict[str, Any]:
        code = self._grants.find_code(_required(parameters, "code"))
        if code is None or code.request.client.client_id != client.client_id:
            raise SignInError("invalid_grant", 70008, "The provided authorization code or refresh token has expired.")
        if code.redeemed:
            raise SignInError(
                "invalid_grant",
                54005,
                "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing"
                " refresh token.",
            )
        request = code.request
        redirect_uri = _required(parameters, "redirect_uri")
        if redirect_uri != request.redirect_uri:
            raise SignInError(
                "invalid_client",
                500112,
                f"The reply address '{redirect_uri}' does not match the reply address '{request.redirect_uri}' provided"
                " when requesting Authorization code.",
            )
        expected_origin = _origin_of(redirect_uri)
        _check_origin(origin, expected_origin)
        if request.code_challenge is None:
            raise SignInError(
                "invalid_request",
                9002325,
                "Proof Key for Code Exchange is required for cross-origin authorization code redemption.",
            )
        if _challenge(_required(parameters, "code_verifier")) != request.code_challenge:
            raise SignInError(
                "invalid_grant",
                501481,
                "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
            )
        code.redeemed = True
        return self._issue(
            parameters,
            client=client,
            origin=expected_origin,
            scopes=request.scopes,
            user=code.user,
            nonce=request.nonce,
            before=None,
        )

    def _redeem_refresh_token(
        self, parameters: Mapping[str, str], client: Application, origin: str | None
    ) -> dict[str, Any]:
        token = self._grants.find_refresh_token(_required(parameters, "refresh_token"))
        if token is None or token.client_id != client.client_id:
            raise SignInError("invalid_grant", 70000, "Provided grant is invalid or malformed.")
        _check_origin(origin, token.origin)
        if self._grants.is_expired(token):
            raise SignInError(
                "invalid_grant",
                700084,
                "The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime"
                " of 1.00:00:00, which cannot be extended. It is now expired and a new sign in request must be sent by"
                " the SPA to the sign in page.",
            )
        scopes = token.scopes
        if parameters.get("scope", "").strip():
            scopes = read_scopes(parameters["scope"], client, self._directory)
        return self._issue(
            parameters, client=client, origin=token.origin, scopes=scopes, user=token.user, nonce=None, before=token
        )

    def _issue(
        self,
        parameters: Mapping[str, str],
        *,
        client: Application,
        origin: str,
        scopes: Scopes,
        user: User,
        nonce: str | None,
        before: RefreshToken | None,
    ) -> dict[str, Any]:
        """The response with tokens, as the deployed assignments are now."""
        # A registration may have been deployed again since the code was issued.
        application = self._directory.find_application(scopes.application.client_id)
        if application is None:
            raise SignInError("invalid_grant", 70000, "Provided grant is invalid or malformed.")
        now = int(self._grants.now())
        try:
            access_claims = access_token_claims(
                application,
                self._directory,
                object_id=user.object_id,
                client_id=client.client_id,
                scope=" ".join(scopes.permissions),
                now=now,
            )
            id_claims = id_token_claims(client, self._directory, user=user, nonce=nonce, now=now)
        except NotAssignedError as error:
            raise SignInError("invalid_grant", 50105, str(error).partition(": ")[2]) from error
        response: dict[str, Any] = {
            "token_type": "Bearer",
            "scope": scopes.to_text(),
            "expires_in": LIFETIME_SECONDS - 1,
            "ext_expires_in": LIFETIME_SECONDS - 1,
            "access_token": self._identities.sign(access_claims),
        }
        if "offline_access" in scopes.openid:
            response["refresh_token"] = self._grants.issue_refresh_token(
                client_id=client.client_id, origin=origin, scopes=scopes, user=user, before=before
            )
        if "openid" in scopes.openid:
            response["id_token"] = self._identities.sign(id_claims)
        if parameters.get("client_info") == "1":
            response["client_info"] = client_info(user)
        return response


def client_info(user: User) -> str:
    """The identifiers of the user's account, in the form that MSAL reads."""
    text = json.dumps({"uid": user.object_id, "utid": TENANT_ID})
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _required(parameters: Mapping[str, str], name: str) -> str:
    value = parameters.get(name, "")
    if not value:
        raise missing_parameter(name)
    return value


def _challenge(code_verifier: str) -> str:
    """https://www.rfc-editor.org/rfc/rfc7636#section-4.2."""
    digest = hashlib.sha256(code_verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _origin_of(redirect_uri: str) -> str:
    uri = urlsplit(redirect_uri)
    return f"{uri.scheme}://{uri.netloc}"


def _check_origin(origin: str | None, expected: str) -> None:
    if not origin:
        raise SignInError(
            "invalid_request",
            9002327,
            "Tokens issued for the 'Single-Page Application' client-type may only be redeemed via cross-origin"
            " requests.",
        )
    if not secrets.compare_digest(origin.lower().encode(), expected.lower().encode()):
        raise SignInError(
            "invalid_request",
            9002326,
            "Cross-origin token redemption is permitted only for the 'Single-Page Application' client-type. Request"
            f" origin: '{origin}'.",
        )


def _check_public_client(parameters: Mapping[str, str]) -> None:
    if parameters.get("client_secret") or parameters.get("client_assertion"):
        raise SignInError(
            "invalid_client",
            700025,
            "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
        )


def _client_credentials_error(parameters: Mapping[str, str]) -> SignInError:
    """No application of the program has a credential."""
    if parameters.get("client_secret") or parameters.get("client_assertion"):
        return SignInError("invalid_client", 7000215, "Invalid client secret provided.")
    return SignInError(
        "invalid_client",
        7000218,
        "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
    )
