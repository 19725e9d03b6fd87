"""Blob and Queue Storage: forwards allowed requests to Azurite, and publishes changes of blobs."""

import uuid
from collections.abc import AsyncIterable
from datetime import UTC, datetime
from typing import Literal, override
from xml.sax.saxutils import escape

from aiohttp import ClientResponse, web
from multidict import CIMultiDict

from emulator.core.authorization import Authorization
from emulator.core.errors import ServiceError
from emulator.core.faults import Faults
from emulator.core.http import ServiceHandler
from emulator.core.identity import Caller, Identities, TokenError
from emulator.core.outages import Outage
from emulator.core.resource_store import Resource, ResourceStore
from emulator.core.tenant import TENANT_ID
from emulator.core.virtual_networks import allows_network_access
from emulator.services.storage.azurite_client import HOP_BY_HOP_HEADERS, AzuriteClient
from emulator.services.storage.blob_event import BlobEvent, PublishEvent
from emulator.services.storage.operations import (
    Operation,
    UnsupportedOperationError,
    read_blob_operation,
    read_queue_operation,
)

# Bodies up to this size are forwarded whole, larger ones in chunks of it.
_CHUNK_BYTES = 256 * 1024
_DROPPED_HEADERS = HOP_BY_HOP_HEADERS | {"date", "server", "content-length"}


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
    ) -> None:
        super().__init__(identities, Outage(faults, service))
        self._service = service
        self._resources = resources
        self._authorization = Authorization(resources)
        self._azurite_client = azurite_client
        self._publish_event = publish_event

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
    def read_token(self, request: web.Request) -> str:
        if "sig" in request.query:
            raise ServiceError(501, "NotImplemented", "The emulator does not support shared access signatures.")
        return super().read_token(request)

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
        scope = target.id + operation.scope
        for actions in operation.alternatives:
            if all(self._authorization.allows(caller.object_id, action, scope) for action in actions):
                return
        message = "This request is not authorized to perform this operation using this permission."
        raise ServiceError(403, "AuthorizationPermissionMismatch", message)

    @override
    async def answer(self, request: web.Request, target: Resource, operation: Operation) -> web.StreamResponse:
        async with self._azurite_client.request(
            self._service,
            target.name,
            request.method,
            request.rel_url.raw_path,
            query=[*request.query.items()],
            headers=[*request.headers.items()],
            body=await _body(request),
        ) as response:
            await self._publish(target, operation, request, response)
            return await _forward(request, response)

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


async def _body(request: web.Request) -> bytes | AsyncIterable[bytes] | None:
    """The body of a request: whole if it is small, as a stream if it is large or its length is not known."""
    if not request.body_exists:
        return None
    if request.content_length is None or request.content_length > _CHUNK_BYTES:
        return request.content.iter_chunked(_CHUNK_BYTES)
    return await request.read()


async def _forward(request: web.Request, response: ClientResponse) -> web.StreamResponse:
    headers = CIMultiDict(
        (name, value) for name, value in response.headers.items() if name.lower() not in _DROPPED_HEADERS
    )
    length = response.headers.get("Content-Length")
    if request.method == "HEAD" or length is None or int(length) <= _CHUNK_BYTES:
        if request.method == "HEAD" and length is not None:
            headers["Content-Length"] = length
        return web.Response(status=response.status, headers=headers, body=await response.read())
    headers["Content-Length"] = length
    stream = web.StreamResponse(status=response.status, headers=headers)
    await stream.prepare(request)
    async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
        await stream.write(chunk)
    await stream.write_eof()
    return stream
