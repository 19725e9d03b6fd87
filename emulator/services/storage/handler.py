"""Blob and Queue Storage: forwards allowed requests to Azurite, and publishes changes of blobs."""

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, override
from xml.sax.saxutils import escape

from aiohttp import ClientResponse, web

from emulator.core.authorization import Authorization
from emulator.core.errors import ServiceError
from emulator.core.faults import Faults
from emulator.core.http import ServiceHandler
from emulator.core.identity import Caller, Identities, TokenError
from emulator.core.outages import Outage
from emulator.core.resource_store import Resource, ResourceStore
from emulator.core.tenant import TENANT_ID
from emulator.core.virtual_networks import allows_network_access
from emulator.services.storage.azurite_client import AzuriteClient
from emulator.services.storage.blob_event import BlobEvent, PublishEvent
from emulator.services.storage.cross_origin import cors_rules, preflight_response, response_headers
from emulator.services.storage.forwarding import forward_response, read_body
from emulator.services.storage.operations import (
    ADD,
    Operation,
    UnsupportedOperationError,
    read_blob_operation,
    read_queue_operation,
)
from emulator.services.storage.shared_access_signature import PARAMETERS, SharedAccessSignature, read_signature
from emulator.services.storage.user_delegation import UserDelegationKeys

_CONDITIONS = frozenset({"if-match", "if-none-match", "if-modified-since", "if-unmodified-since"})


@dataclass(frozen=True, kw_only=True)
class StorageCaller(Caller):
    """The principal of a token, or whose key has signed the request; `signature` is None without one."""

    signature: SharedAccessSignature | None


_CALLER = web.RequestKey("caller", StorageCaller)
_CORS_HEADERS = web.RequestKey("cors_headers", dict[str, str])


class StorageHandler(ServiceHandler[Resource, Operation]):
    """The requests to one service, `blob` or `queue`, of all deployed storage accounts."""

    def __init__(
        self,
        service: Literal["blob", "queue"],
        *,
        resources: ResourceStore,
        identities: Identities,
        azurite_client: AzuriteClient,
        publish_event: PublishEvent,
        faults: Faults,
        delegation_keys: UserDelegationKeys,
    ) -> None:
        super().__init__(identities, Outage(faults, service))
        self._service = service
        self._resources = resources
        self._authorization = Authorization(resources)
        self._azurite_client = azurite_client
        self._publish_event = publish_event
        self._delegation_keys = delegation_keys

    @override
    async def handle(self, request: web.Request) -> web.StreamResponse:
        account = self._resources.find_by_name("storage:StorageAccount", request.host.partition(".")[0])
        rules = cors_rules(self._resources, account) if self._service == "blob" and account is not None else ()
        if request.method == "OPTIONS":
            try:
                return preflight_response(request, rules)
            except ServiceError as error:
                return self.error_response(error)
        request[_CORS_HEADERS] = response_headers(request, rules)
        response = await super().handle(request)
        if not response.prepared:
            response.headers.update(request[_CORS_HEADERS])
        return response

    @override
    def find_target(self, request: web.Request) -> Resource:
        account_name = request.host.partition(".")[0]
        account = self._resources.find_by_name("storage:StorageAccount", account_name)
        if account is None:
            raise ServiceError(404, "ResourceNotFound", f"The storage account {account_name} does not exist.")
        return account

    @override
    def check_network(self, request: web.Request, target: Resource) -> None:
        if not allows_network_access(self._resources, target, self._service, request):
            message = "This request is not authorized to perform this operation."
            raise ServiceError(403, "AuthorizationFailure", message)

    @override
    def authenticate(self, request: web.Request, target: Resource) -> Caller:
        signature: SharedAccessSignature | None = None
        if "sig" in request.query:
            if self._service != "blob":
                message = "The emulator supports shared access signatures of blobs only."
                raise ServiceError(501, "NotImplemented", message)
            container, _, blob = request.path.removeprefix("/").partition("/")
            signature = read_signature(
                request.query, account=target.name, container=container, blob=blob, keys=self._delegation_keys
            )
            caller = StorageCaller(object_id=signature.object_id, audience="", signature=signature)
        else:
            principal = super().authenticate(request, target)
            caller = StorageCaller(object_id=principal.object_id, audience=principal.audience, signature=None)
        request[_CALLER] = caller
        return caller

    @override
    def audiences(self, request: web.Request) -> set[str]:
        host = request.host.partition(":")[0]
        return {"https://storage.azure.com", f"https://{host}"}

    @override
    def token_error(self, request: web.Request, error: TokenError) -> ServiceError:
        scheme = request.headers.get("Authorization", "").partition(" ")[0]
        if scheme in {"SharedKey", "SharedKeyLite"}:
            return ServiceError(
                403,
                "KeyBasedAuthenticationNotPermitted",
                "Key based authentication is not permitted on this storage account.",
            )
        challenge = (
            f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT_ID}/oauth2/authorize"
            " resource_id=https://storage.azure.com"
        )
        code = "InvalidAuthenticationInfo" if scheme else "NoAuthenticationInformation"
        message = f"Server failed to authenticate the request: {error}."
        return ServiceError(401, code, message, {"WWW-Authenticate": challenge})

    @override
    def read_operation(self, request: web.Request, target: Resource) -> Operation:
        read = read_blob_operation if self._service == "blob" else read_queue_operation
        try:
            return read(request.method, request.rel_url.raw_path, request.query, request.headers)
        except UnsupportedOperationError as error:
            message = f"The emulator's {self._service} storage does not support this: {error}"
            raise ServiceError(501, "NotImplemented", message) from error

    @override
    def check_role(self, caller: Caller, target: Resource, operation: Operation) -> None:
        if isinstance(caller, StorageCaller) and caller.signature is not None:
            caller.signature.check(operation)
        if not self._allows(caller, target, operation, without=None):
            raise _permission_mismatch()

    def _allows(self, caller: Caller, target: Resource, operation: Operation, *, without: str | None) -> bool:
        """Whether the caller's roles allow the operation, without the action `without`."""
        scope = target.id + operation.scope
        return any(
            all(self._authorization.allows(caller.object_id, action, scope) for action in actions)
            for actions in operation.alternatives
            if without not in actions
        )

    @override
    async def answer(self, request: web.Request, target: Resource, operation: Operation) -> web.StreamResponse:
        caller = request[_CALLER]
        if operation.name == "GetUserDelegationKey":
            key = self._delegation_keys.issue(caller.object_id, TENANT_ID, await request.read())
            return web.Response(body=key, content_type="application/xml", headers={"x-ms-version": "2025-11-05"})
        headers = [*request.headers.items()]
        if operation.name in {"PutBlob", "PutBlockList"}:
            await self._check_overwrite(request, target, operation, caller)
            if self._creates_only(caller, target, operation) and not _CONDITIONS & {
                name.lower() for name in request.headers
            }:
                headers.append(("If-None-Match", "*"))
        async with self._azurite_client.request(
            self._service,
            target.name,
            request.method,
            request.rel_url.raw_path,
            query=[(name, value) for name, value in request.query.items() if name not in PARAMETERS],
            headers=headers,
            body=await read_body(request),
        ) as response:
            await self._publish(target, operation, request, response)
            signed = caller.signature.response_headers if caller.signature is not None else {}
            return await forward_response(request, response, {**signed, **request[_CORS_HEADERS]})

    def _creates_only(self, caller: StorageCaller, target: Resource, operation: Operation) -> bool:
        """Whether the caller may create blobs, and overwrite none."""
        if caller.signature is not None and caller.signature.creates_only:
            return True
        return not self._allows(caller, target, operation, without=ADD)

    async def _check_overwrite(
        self, request: web.Request, target: Resource, operation: Operation, caller: StorageCaller
    ) -> None:
        """Raise ServiceError if the blob exists, and the caller may create blobs only."""
        if not self._creates_only(caller, target, operation):
            return
        async with self._azurite_client.request("blob", target.name, "HEAD", request.rel_url.raw_path) as blob:
            if blob.status == 404:
                return
        if caller.signature is not None and caller.signature.creates_only:
            message = "This request is not authorized to perform blob overwrites."
            raise ServiceError(403, "UnauthorizedBlobOverwrite", message)
        raise _permission_mismatch()

    async def _publish(
        self, account: Resource, operation: Operation, request: web.Request, response: ClientResponse
    ) -> None:
        """Publish an event if the operation has created, replaced or deleted a blob."""
        request_id = response.headers.get("x-ms-request-id", "")
        if operation.name == "DeleteBlob" and response.status == 202:
            data = {"requestId": request_id}
            self._publish_event(
                BlobEvent(type="Microsoft.Storage.BlobDeleted", account=account, operation=operation, data=data)
            )
        if operation.name not in {"PutBlob", "PutBlockList"} or response.status != 201:
            return
        # The request for a block list has neither the blob's length nor, always, its content type.
        async with self._azurite_client.request("blob", account.name, "HEAD", request.rel_url.raw_path) as blob:
            data = {
                "requestId": request_id,
                "eTag": response.headers["ETag"].strip('"'),
                "contentType": blob.headers.get("Content-Type", "application/octet-stream"),
                "contentLength": int(blob.headers.get("Content-Length", "0")),
                "accessTier": "Default",
            }
        self._publish_event(
            BlobEvent(type="Microsoft.Storage.BlobCreated", account=account, operation=operation, data=data)
        )

    @override
    def error_response(self, error: ServiceError) -> web.Response:
        """The error as XML: https://learn.microsoft.com/rest/api/storageservices/status-and-error-codes2."""
        request_id = str(uuid.uuid4())
        text = escape(f"{error}\nRequestId:{request_id}\nTime:{datetime.now(UTC).isoformat()}")
        body = (
            f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{error.code}</Code><Message>{text}</Message></Error>'
        )
        return web.Response(
            status=error.status,
            body=body.encode(),
            content_type="application/xml",
            headers={"x-ms-error-code": error.code, "x-ms-request-id": request_id, **error.headers},
        )


def _permission_mismatch() -> ServiceError:
    message = "This request is not authorized to perform this operation using this permission."
    return ServiceError(403, "AuthorizationPermissionMismatch", message)
