"""Blob and Queue Storage: tokens checked, roles checked, then passed on to Azurite; new blobs are announced."""

from aiohttp import ClientResponse, web
from multidict import CIMultiDict

from local.authorization import Authorization
from local.gateway import operations
from local.gateway.backend import HOP, StorageBackend
from local.gateway.errors import storage_error
from local.gateway.eventgrid import EventGrid
from local.identity import TENANT, Identities, TokenError
from local.resources import Resource, Resources
from local.virtual_networks import admits

_MISMATCH = "This request is not authorized to perform this operation using this permission."
# Small answers are passed on whole, large ones in pieces.
_PIECE = 256 * 1024
_KEPT_OUT = HOP | {"date", "server", "content-length"}


class Storage:
    """One service, `blob` or `queue`, of every deployed account."""

    def __init__(
        self,
        service: str,
        *,
        resources: Resources,
        identities: Identities,
        backend: StorageBackend,
        events: EventGrid,
    ) -> None:
        self._service = service
        self._read: operations.Reader = operations.blob if service == "blob" else operations.queue
        self._resources = resources
        self._identities = identities
        self._authorization = Authorization(resources)
        self._backend = backend
        self._events = events

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Answers a request to `<account>.<service>.core.windows.net`."""
        account_name = request.host.partition(".")[0]
        account = self._resources.named("storage:StorageAccount", account_name)
        if account is None:
            return storage_error(404, "ResourceNotFound", f"The storage account {account_name} does not exist.")
        if not admits(self._resources, account, self._service, request):
            return storage_error(
                403, "AuthorizationFailure", "This request is not authorized to perform this operation."
            )
        if "sig" in request.query:
            return storage_error(501, "NotImplemented", "Shared access signatures are not supported on the laptop.")
        try:
            caller = self._identities.bearer(
                request,
                {"https://storage.azure.com", f"https://{account_name}.{self._service}.core.windows.net"},
            )
        except TokenError as error:
            return _no_token(request, error)
        raw_path = request.rel_url.raw_path
        try:
            operation = self._read(request.method, raw_path, request.query, request.headers)
        except operations.Unsupported as error:
            return storage_error(
                501, "NotImplemented", f"The laptop's {self._service} storage does not support this: {error}"
            )
        scope = account.id + operation.scope
        if not any(
            all(self._authorization.allows(caller.object_id, action, scope) for action in alternative)
            for alternative in operation.needs
        ):
            return storage_error(403, "AuthorizationPermissionMismatch", _MISMATCH)
        body = None
        if request.body_exists:
            large = (request.content_length or _PIECE + 1) > _PIECE
            body = request.content.iter_chunked(_PIECE) if large else await request.read()
        async with self._backend.request(
            self._service,
            account.name,
            request.method,
            raw_path,
            query=[*request.query.items()],
            headers=[*request.headers.items()],
            body=body,
        ) as answer:
            await self._announce(account, operation, request, answer)
            return await _pass_on(request, answer)

    async def _announce(
        self, account: Resource, operation: operations.Operation, request: web.Request, answer: ClientResponse
    ) -> None:
        if operation.name == "DeleteBlob" and answer.status == 202:
            data = {"requestId": answer.headers.get("x-ms-request-id", "")}
            self._events.blob_event("Microsoft.Storage.BlobDeleted", account, operation, data)
        if operation.name not in {"PutBlob", "PutBlockList"} or answer.status != 201:
            return
        # A block list does not say how long the blob is, nor always of what type: the blob itself does.
        async with self._backend.request("blob", account.name, "HEAD", request.rel_url.raw_path) as blob:
            data = {
                "requestId": answer.headers.get("x-ms-request-id", ""),
                "eTag": answer.headers["ETag"].strip('"'),
                "contentType": blob.headers.get("Content-Type", "application/octet-stream"),
                "contentLength": int(blob.headers.get("Content-Length", "0")),
                "accessTier": "Default",
            }
        self._events.blob_event("Microsoft.Storage.BlobCreated", account, operation, data)


async def _pass_on(request: web.Request, answer: ClientResponse) -> web.StreamResponse:
    headers = CIMultiDict((name, value) for name, value in answer.headers.items() if name.lower() not in _KEPT_OUT)
    length = answer.headers.get("Content-Length")
    if request.method == "HEAD" or length is None or int(length) <= _PIECE:
        if request.method == "HEAD" and length is not None:
            headers["Content-Length"] = length
        return web.Response(status=answer.status, headers=headers, body=await answer.read())
    headers["Content-Length"] = length
    response = web.StreamResponse(status=answer.status, headers=headers)
    await response.prepare(request)
    async for piece in answer.content.iter_chunked(_PIECE):
        await response.write(piece)
    await response.write_eof()
    return response


def _no_token(request: web.Request, error: TokenError) -> web.Response:
    scheme = request.headers.get("Authorization", "").partition(" ")[0]
    if scheme in {"SharedKey", "SharedKeyLite"}:
        return storage_error(
            403,
            "KeyBasedAuthenticationNotPermitted",
            "Key based authentication is not permitted on this storage account.",
        )
    challenge = (
        f"Bearer authorization_uri=https://login.microsoftonline.com/{TENANT}/oauth2/authorize"
        " resource_id=https://storage.azure.com"
    )
    code = "InvalidAuthenticationInfo" if scheme else "NoAuthenticationInformation"
    response = storage_error(401, code, f"Server failed to authenticate the request: {error}.")
    response.headers["WWW-Authenticate"] = challenge
    return response
