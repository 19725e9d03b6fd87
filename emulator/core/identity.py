"""Identities on the laptop: who exists, the tokens they get, and the endpoint that hands them out.

The endpoint is App Service's own (`IDENTITY_ENDPOINT`), which every Azure SDK asks without being told to:
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

from emulator.core.resource_store import Resources

SUBSCRIPTION = "00000000-0000-4000-8000-0000000005ab"
TENANT = "00000000-0000-4000-8000-000000007e4a"
# The laptop's user: deploys, uploads, reads records. stacks/Pulumi.local.yaml grants roles to this object id.
USER = "00000000-0000-4000-8000-00000000a11c"
USER_CLIENT = "00000000-0000-4000-8000-0000000c11e4"
_LIFETIME_SECONDS = 24 * 3600
_KEY_ID = "laptop-1"
_NAMESPACE = uuid.UUID("0a4c4d4e-6d6f-4c63-8a6e-4c6f63616c21")


def object_id(resource_id: str) -> str:
    """The object id of the identity that belongs to a resource."""
    return str(uuid.uuid5(_NAMESPACE, f"principal {resource_id.lower()}"))


def client_id(resource_id: str) -> str:
    """The client id of a user-assigned identity."""
    return str(uuid.uuid5(_NAMESPACE, f"client {resource_id.lower()}"))


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Who a valid token speaks for."""

    object_id: str
    audience: str


class TokenError(Exception):
    """The token is missing, forged, expired or meant for somebody else."""


class Identities:
    """Issues tokens and reads them back. Secrets of endpoints live only as long as the daemon."""

    def __init__(self, key: RSAPrivateKey, resources: Resources) -> None:
        self._key = key
        self._public = key.public_key()
        self._resources = resources
        self.user_secret = secrets.token_urlsafe(24)
        self._sites: dict[str, str] = {}

    def site_secret(self, site_id: str) -> str:
        """The `IDENTITY_HEADER` of a function app: with it, the app gets tokens of its own identities only."""
        for secret, known in self._sites.items():
            if known == site_id:
                return secret
        secret = secrets.token_urlsafe(24)
        self._sites[secret] = site_id
        return secret

    def issue(self, principal: str, audience: str) -> tuple[str, int]:
        """A token for `principal`, and when it expires (seconds since 1970)."""
        now = int(time.time())
        expires = now + _LIFETIME_SECONDS
        claims = {
            "aud": audience.rstrip("/"), "iss": f"https://sts.windows.net/{TENANT}/", "iat": now, "nbf": now - 5,
            "exp": expires, "oid": principal, "sub": principal, "tid": TENANT, "ver": "1.0",
        }  # fmt: skip
        return jwt.encode(claims, self._key, algorithm="RS256", headers={"kid": _KEY_ID}), expires

    def bearer(self, request: web.Request, audiences: set[str] | None) -> Caller:
        """As `read`, of the token that a request brings. Raises TokenError."""
        return self.read(request.headers.get("Authorization", "").removeprefix("Bearer "), audiences)

    def read(self, token: str, audiences: set[str] | None) -> Caller:
        """Who the token speaks for, if it is ours, in force, and meant for one of `audiences` (None: anybody)."""
        try:
            claims: dict[str, Any] = jwt.decode(
                token, self._public, algorithms=["RS256"], options={"verify_aud": False, "require": ["exp", "aud"]}
            )
        except jwt.PyJWTError as error:
            raise TokenError(str(error)) from error
        if audiences is not None and claims["aud"] not in audiences:
            raise TokenError(f"the token is for {claims['aud']}, not for {' or '.join(sorted(audiences))}")
        return Caller(object_id=claims["oid"], audience=claims["aud"])

    async def keys(self, request: web.Request) -> web.Response:
        """Answers `GET https://login.microsoftonline.com/<tenant>/discovery/v2.0/keys`, and nothing else there."""
        if (request.method, request.path) != ("GET", f"/{TENANT}/discovery/v2.0/keys"):
            return _refuse(501, f"the laptop does not support {request.method} {request.path}")
        key: dict[str, Any] = jwt.algorithms.RSAAlgorithm.to_jwk(self._public, as_dict=True)
        return web.json_response({"keys": [{**key, "kid": _KEY_ID, "use": "sig"}]})

    async def endpoint(self, request: web.Request) -> web.Response:
        """Answers `GET /msi/token?resource=...&client_id=...`."""
        secret = request.headers.get("X-IDENTITY-HEADER", "")
        resource = request.query.get("resource", "")
        if not resource:
            return _refuse(400, "the query names no resource")
        assumable = self._assumable(secret)
        if assumable is None:
            return _refuse(401, "X-IDENTITY-HEADER is missing or unknown")
        wanted = request.query.get("client_id") or next(iter(assumable), "")
        if wanted not in assumable:
            return _refuse(400, f"No User Assigned Managed Identity found for client id {wanted!r}")
        token, expires = self.issue(assumable[wanted], resource)
        return web.json_response(
            {
                "access_token": token, "expires_on": str(expires), "resource": resource,
                "token_type": "Bearer", "client_id": wanted,
            }
        )  # fmt: skip

    def _assumable(self, secret: str) -> dict[str, str] | None:
        """Client id to object id of the identities a caller with this secret may act as; None for a stranger."""
        if secrets.compare_digest(secret.encode(), self.user_secret.encode()):
            return {USER_CLIENT: USER}
        site = self._resources.get(self._sites.get(secret, ""))
        if site is None:
            return None
        assigned: dict[str, Any] = site.outputs["identity"]["userAssignedIdentities"]
        return {value["clientId"]: value["principalId"] for value in assigned.values()}


def _refuse(status: int, message: str) -> web.Response:
    return web.json_response({"statusCode": status, "message": message}, status=status)
