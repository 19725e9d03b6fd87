"""Emulated Entra ID: principals, the tokens they get, and the token endpoint.

The endpoint is the managed identity endpoint of App Service (`IDENTITY_ENDPOINT`), which every Azure SDK supports:
https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
"""

import secrets
import time
import uuid
from dataclasses import dataclass
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from jwt.algorithms import RSAAlgorithm

from emulator.core.resource_store import ResourceStore

SUBSCRIPTION_ID = "00000000-0000-4000-8000-0000000005ab"
TENANT_ID = "00000000-0000-4000-8000-000000007e4a"
# The emulator's user: deploys, uploads, reads records. stacks/Pulumi.local.yaml grants roles to this object id.
USER_OBJECT_ID = "00000000-0000-4000-8000-00000000a11c"
USER_CLIENT_ID = "00000000-0000-4000-8000-0000000c11e4"
_LIFETIME_SECONDS = 24 * 3600
_KEY_ID = "emulator-1"
_NAMESPACE = uuid.UUID("0a4c4d4e-6d6f-4c63-8a6e-4c6f63616c21")


def object_id(resource_id: str) -> str:
    """The object id of the identity that belongs to a resource."""
    return str(uuid.uuid5(_NAMESPACE, f"principal {resource_id.lower()}"))


def client_id(resource_id: str) -> str:
    """The client id of a user-assigned identity."""
    return str(uuid.uuid5(_NAMESPACE, f"client {resource_id.lower()}"))


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The principal of a valid token."""

    object_id: str
    audience: str


class TokenError(Exception):
    """The token is missing, forged, expired or for another audience."""


class Identities:
    """Issues and verifies tokens. The secrets of token endpoints are valid until the daemon ends."""

    def __init__(self, key: RSAPrivateKey, resources: ResourceStore) -> None:
        self._key = key
        self._public_key = key.public_key()
        self._resources = resources
        self.user_secret = secrets.token_urlsafe(24)
        self._app_ids_by_secret: dict[str, str] = {}

    def app_secret(self, app_id: str) -> str:
        """The `IDENTITY_HEADER` of a function app, with which the app gets tokens of its own identities only."""
        for secret, known_id in self._app_ids_by_secret.items():
            if known_id == app_id:
                return secret
        secret = secrets.token_urlsafe(24)
        self._app_ids_by_secret[secret] = app_id
        return secret

    def issue_token(self, principal: str, audience: str) -> tuple[str, int]:
        """A token for `principal`, and when it expires (seconds since 1970)."""
        now = int(time.time())
        expires = now + _LIFETIME_SECONDS
        claims = {
            "aud": audience.rstrip("/"),
            "iss": f"https://sts.windows.net/{TENANT_ID}/",
            "iat": now,
            "nbf": now - 5,
            "exp": expires,
            "oid": principal,
            "sub": principal,
            "tid": TENANT_ID,
            "ver": "1.0",
        }
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": _KEY_ID}), expires

    def verify(self, token: str, audiences: set[str]) -> Caller:
        """The principal of a token that is valid for one of `audiences`. Raises TokenError."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                self._public_key,
                algorithms=["RS256"],
                options={"verify_aud": False, "require": ["exp", "aud"]},
            )
        except jwt.PyJWTError as error:
            raise TokenError(str(error)) from error
        if claims["aud"] not in audiences:
            raise TokenError(f"the token is for {claims['aud']}, not for {' or '.join(sorted(audiences))}")
        return Caller(object_id=claims["oid"], audience=claims["aud"])

    async def signing_keys(self, request: web.Request) -> web.Response:
        """The response to `GET https://login.microsoftonline.com/<tenant>/discovery/v2.0/keys`; 501 to any other."""
        if (request.method, request.path) != ("GET", f"/{TENANT_ID}/discovery/v2.0/keys"):
            return token_endpoint_error(501, f"the emulator does not support {request.method} {request.path}")
        key: dict[str, Any] = RSAAlgorithm.to_jwk(self._public_key, as_dict=True)
        return web.json_response({"keys": [{**key, "kid": _KEY_ID, "use": "sig"}]})

    async def token_endpoint(self, request: web.Request) -> web.Response:
        """The response to `GET /msi/token?resource=...&client_id=...`."""
        secret = request.headers.get("X-IDENTITY-HEADER", "")
        resource = request.query.get("resource", "")
        if not resource:
            return token_endpoint_error(400, "the query names no resource")
        principals = self._principals_of(secret)
        if principals is None:
            return token_endpoint_error(401, "X-IDENTITY-HEADER is missing or unknown")
        client = request.query.get("client_id") or next(iter(principals), "")
        if client not in principals:
            return token_endpoint_error(400, f"No User Assigned Managed Identity found for client id {client!r}")
        token, expires = self.issue_token(principals[client], resource)
        return web.json_response(
            {
                "access_token": token,
                "expires_on": str(expires),
                "resource": resource,
                "token_type": "Bearer",
                "client_id": client,
            }
        )

    def _principals_of(self, secret: str) -> dict[str, str] | None:
        """Object ids by client id of the identities that a caller with this secret may use; None if it is unknown."""
        if secrets.compare_digest(secret.encode(), self.user_secret.encode()):
            return {USER_CLIENT_ID: USER_OBJECT_ID}
        app = self._resources.get(self._app_ids_by_secret.get(secret, ""))
        if app is None:
            return None
        assigned: dict[str, Any] = app.outputs["identity"]["userAssignedIdentities"]
        return {value["clientId"]: value["principalId"] for value in assigned.values()}


def token_endpoint_error(status: int, message: str) -> web.Response:
    """An error in the form of the token endpoint."""
    return web.json_response({"statusCode": status, "message": message}, status=status)
