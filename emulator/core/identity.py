"""Emulated Entra ID: principals, the tokens they get, and the token endpoint.

The endpoint is the managed identity endpoint of App Service (`IDENTITY_ENDPOINT`), which every Azure SDK supports:
https://learn.microsoft.com/azure/app-service/overview-managed-identity#rest-endpoint-reference
"""

import re
import secrets
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from jwt.algorithms import RSAAlgorithm

from emulator.core.application_tokens import NotAssignedError, access_token_claims
from emulator.core.directory import Application, Directory
from emulator.core.resource_store import ResourceStore
from emulator.core.tenant import AUTHORITY, AZURE_CLI_CLIENT_ID, DEPLOYMENT_PIPELINE_CLIENT_ID, TENANT_ID
from emulator.core.users import DEPLOYER, USERS

# The emulator's user: deploys, uploads, reads records. stacks/Pulumi.local.yaml grants roles to this object id.
USER_OBJECT_ID = DEPLOYER.object_id
# Audiences of applications, which must be registered; those of Azure's own services are URLs.
_APPLICATION = re.compile(r"api://.+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
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

    def __init__(self, key: RSAPrivateKey, resources: ResourceStore, directory: Directory) -> None:
        self._key = key
        self._public_key = key.public_key()
        self._resources = resources
        self._directory = directory
        self.user_secrets: Mapping[str, str] = {user.name: secrets.token_urlsafe(24) for user in USERS}
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
        return self.sign(claims), expires

    def sign(self, claims: Mapping[str, Any]) -> str:
        """A token with these claims, signed with the tenant's key."""
        return jwt.encode({**claims}, self._key, algorithm="RS256", headers={"kid": _KEY_ID})

    def _issue_application_token(self, application: Application, principal: str, client: str) -> tuple[str, int]:
        """A token for an application, and when it expires. Raises NotAssignedError."""
        is_user = client == AZURE_CLI_CLIENT_ID
        claims = access_token_claims(
            application,
            self._directory,
            object_id=principal,
            client_id=client,
            scope=self._pre_authorized_scope(application) if is_user else None,
            now=int(time.time()),
        )
        return self.sign(claims), claims["exp"]

    def _pre_authorized_scope(self, application: Application) -> str:
        """The permissions that Azure CLI needs no consent for. Raises NotAssignedError if there is none."""
        permissions = application.pre_authorized.get(AZURE_CLI_CLIENT_ID, ())
        values = sorted(
            application.scopes[permission] for permission in permissions if permission in application.scopes
        )
        if not values:
            raise NotAssignedError(
                "AADSTS65001: The user or administrator has not consented to use the application with ID"
                f" '{AZURE_CLI_CLIENT_ID}' named 'Microsoft Azure CLI'. Send an interactive authorization request for"
                " this user and resource."
            )
        return " ".join(values)

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

    def signing_keys(self) -> dict[str, Any]:
        """The tenant's public keys, as `https://login.microsoftonline.com/<tenant>/discovery/v2.0/keys` has them."""
        key: dict[str, Any] = RSAAlgorithm.to_jwk(self._public_key, as_dict=True)
        issuer = f"{AUTHORITY}/{TENANT_ID}/v2.0"
        return {"keys": [{**key, "kid": _KEY_ID, "use": "sig", "issuer": issuer}]}

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
        application = self._directory.find_application(resource)
        if application is None and _APPLICATION.fullmatch(resource):
            return token_endpoint_error(
                400, f"AADSTS500011: The resource principal named {resource} was not found in the tenant {TENANT_ID}."
            )
        try:
            token, expires = (
                self.issue_token(principals[client], resource)
                if application is None
                else self._issue_application_token(application, principals[client], client)
            )
        except NotAssignedError as error:
            return token_endpoint_error(400, str(error))
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
        for user in USERS:
            if secrets.compare_digest(secret.encode(), self.user_secrets[user.name].encode()):
                # The first one is the identity of a request that names none.
                principals = {AZURE_CLI_CLIENT_ID: user.object_id}
                if user is DEPLOYER:
                    principals[DEPLOYMENT_PIPELINE_CLIENT_ID] = user.object_id
                return principals
        app = self._resources.get(self._app_ids_by_secret.get(secret, ""))
        if app is None:
            return None
        assigned: dict[str, Any] = app.outputs["identity"]["userAssignedIdentities"]
        return {value["clientId"]: value["principalId"] for value in assigned.values()}


def token_endpoint_error(status: int, message: str) -> web.Response:
    """An error in the form of the token endpoint."""
    return web.json_response({"statusCode": status, "message": message}, status=status)
