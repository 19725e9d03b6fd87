"""The API and the pipeline app's deletion in this process, over the emulated Cosmos DB.

Their code is that of the apps, with Microsoft's clients, over HTTP. Signatures of URLs are made with a user delegation
key. Doubles are Blob Storage, the validation of access tokens and the embeddings of texts.
"""

from collections.abc import AsyncIterator, Container, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from aiohttp import web
from azure.core.pipeline.transport import AioHttpTransport
from azure.cosmos.aio import ContainerProxy
from azure.storage.blob.aio import BlobServiceClient
from classifier.adapters.blob_storage import BlobImageStore, create_image_container_client
from classifier.adapters.cosmos import CosmosRecordRepository
from classifier.use_cases.delete_image import delete_image
from common.adapters.azure_clients import AzureClients
from common.adapters.cosmos import CosmosContainer, CosmosRecordReader
from common.adapters.cursor_keys import UserDelegationCursorKeys
from common.adapters.record_queries import CosmosRecordQueries
from common.adapters.service_errors import ServiceBoundary
from common.domain.cursors import CursorSigner
from common.domain.metrics import collect_metrics
from image_api.adapters.blobs import SignedImageBlobs
from image_api.adapters.pipeline import PipelineImageDeleter
from image_api.adapters.records import CheckedCursorKeys, CheckedRecordQueries, CheckedRecordReader
from image_api.http.dispatcher import Dispatcher
from image_api.http.headers import CrossOriginPolicy

from benchmarks.blob_service import blob_handler
from benchmarks.query_records import NOW
from benchmarks.record_account import container_client
from tests.emulator.services.cosmos.conftest import AsyncCredential, CosmosAccount
from tests.support.in_memory_api import InMemoryApi

_BLOB_ENDPOINT = "https://acct.blob.core.windows.net"
_CONTAINER = "images"


@dataclass(kw_only=True)
class EndpointServices:
    """The API, by whether it has embeddings of texts, and what the pipeline app has spent.

    Attributes:
        dispatchers: The API without and with embeddings of texts.
        pipeline_request_units: The charge of the pipeline app's requests to Cosmos DB.
    """

    dispatchers: dict[bool, Dispatcher] = field(default_factory=dict[bool, Dispatcher])
    pipeline_request_units: float = 0.0


class _Vectorizer:
    """`TextVectorizer` with the same embedding for every text."""

    def __init__(self, vector: Sequence[float]) -> None:
        self._vector = tuple(vector)

    async def vectorize(self, text: str) -> tuple[float, ...]:
        """Implements `TextVectorizer.vectorize`."""
        return self._vector


class _RedirectedTransport(AioHttpTransport):
    """Sends what is for Blob Storage to a port of this machine."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._origin = f"http://127.0.0.1:{port}"

    async def send(self, request: Any, **options: Any) -> Any:
        """Send a request."""
        request.url = request.url.replace(_BLOB_ENDPOINT, self._origin)
        return await super().send(request, **options)


@asynccontextmanager
async def serve(
    account: CosmosAccount, names: Container[str], vector: Sequence[float]
) -> AsyncIterator[EndpointServices]:
    """The API over the records of an account.

    Args:
        account: The account.
        names: Names of the blobs that exist.
        vector: The embedding of every text.
    """
    services = EndpointServices()
    async with AsyncExitStack() as stack:
        container = await stack.enter_async_context(container_client(account))
        blob_port = await _listen(stack, "/{tail:.*}", blob_handler(names))
        transport = await stack.enter_async_context(_RedirectedTransport(blob_port))
        azure = AzureClients(credential=AsyncCredential(account.identities, "api"), transport=transport)
        pipeline_port = await _listen(stack, "/api/images/{id}", _deletion_handler(container, azure, services))
        blob_client = BlobServiceClient(_BLOB_ENDPOINT, **azure.client_options)
        application = InMemoryApi(burst=1_000_000, now=NOW).application()
        boundary = ServiceBoundary("Cosmos DB")
        blobs = SignedImageBlobs(blob_client, _CONTAINER)
        cursors = CursorSigner(CheckedCursorKeys(UserDelegationCursorKeys(blob_client)))
        records = CheckedRecordReader(CosmosRecordReader(CosmosContainer(container, boundary)))
        queries = CheckedRecordQueries(CosmosRecordQueries(container, boundary, cursors))
        deleter = PipelineImageDeleter(f"http://127.0.0.1:{pipeline_port}/api", azure)
        uploads = replace(application.uploads, blobs=blobs)
        images = replace(application.images, records=records, blobs=blobs, deleter=deleter)
        for has_embeddings in (False, True):
            search = replace(
                application.search,
                queries=queries,
                records=records,
                blobs=blobs,
                vectorizer=_Vectorizer(vector) if has_embeddings else None,
            )
            services.dispatchers[has_embeddings] = _create_dispatcher(
                replace(application, uploads=uploads, images=images, search=search)
            )
        yield services


def _create_dispatcher(application: Any) -> Dispatcher:
    return Dispatcher(lambda: application, lambda: CrossOriginPolicy(()))


def _deletion_handler(container: ContainerProxy, azure: AzureClients, services: EndpointServices) -> Any:
    """The pipeline app's function for deletions, without the validation of access tokens."""
    records = CosmosRecordRepository(CosmosContainer(container, ServiceBoundary("Cosmos DB")))
    images = BlobImageStore(create_image_container_client(_BLOB_ENDPOINT, _CONTAINER, **azure.client_options))

    async def answer(request: web.Request) -> web.Response:
        with collect_metrics() as metrics:
            is_deleted = await delete_image(request.match_info["id"], records=records, images=images)
        services.pipeline_request_units += metrics.get("requestUnits", 0.0)
        return web.json_response({"deleted": is_deleted}, status=200 if is_deleted else 404)

    return answer


async def _listen(stack: AsyncExitStack, path: str, handler: Any) -> int:
    """Serve a handler on 127.0.0.1; return its port."""
    application = web.Application()
    application.router.add_route("*", path, handler)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return runner.addresses[0][1]
