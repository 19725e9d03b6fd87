"""The API's own searches over the packaged photos, as the local stack has them.

The shipped analyzer makes the records, with the models of the emulator. They are stored in the emulated Cosmos DB under
the policies that the program deploys, and searched by the use case, the queries and the vectorizer of the API.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from aiohttp import web
from common.adapters.record_queries import CosmosRecordQueries
from common.adapters.service_errors import ServiceBoundary
from common.domain.cursors import CursorSigner
from common.domain.queries import RecordQueries
from cryptography.hazmat.primitives.asymmetric import rsa
from image_api.adapters.vision import VisionTextVectorizer
from image_api.domain.ports import TextVectorizer
from image_api.use_cases.search import Search

from emulator.core.directory import Directory
from emulator.core.faults import Faults
from emulator.core.identity import Identities
from emulator.core.resource_store import ResourceStore
from emulator.gateway.proxy import ConnectionOrigins
from emulator.gateway.router import create_application
from emulator.services.cosmos.items.container import Container
from emulator.services.cosmos.items.store import ItemStore
from infra.core.analysis import Feature
from infra.core.rbac import RECORD_QUERY_DATA_ACTIONS
from tests.emulator.conftest import Deployment
from tests.emulator.services.cosmos.conftest import CosmosAccount
from tests.support.container_policies import record_container_policies
from tests.support.cursor_keys import DayKeys
from tests.support.emulated_vision import ENDPOINT, analyze, connect_to_models
from tests.support.in_memory_api import InMemoryApi, create_record

_FEATURES: tuple[Feature, ...] = ("tags", "read", "caption", "embeddings")


@dataclass(frozen=True, kw_only=True)
class PhotoSearches:
    """The API's searches over the photos.

    Attributes:
        queries: The queries.
        vectorizer: Makes embeddings of texts.
    """

    queries: RecordQueries
    vectorizer: TextVectorizer

    def create_search(self, *, embeddings: bool, min_similarity: float) -> Search:
        """Return the API's use case.

        Args:
            embeddings: Whether it searches by meaning, too.
            min_similarity: The lowest similarity that fits.
        """
        api = InMemoryApi()
        return Search(
            queries=self.queries,
            records=api,
            blobs=api,
            vectorizer=self.vectorizer if embeddings else None,
            min_similarity=min_similarity,
            now=lambda: datetime.now(UTC),
        )


@asynccontextmanager
async def open_searches(photos: Sequence[Path], *, min_confidence: float) -> AsyncIterator[PhotoSearches]:
    """Analyze and store photos, and offer searches over them.

    Args:
        photos: The photos.
        min_confidence: Tags with at least this confidence become labels.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        resources = ResourceStore(folder / "resources.db")
        stack.callback(resources.close)
        objects = ResourceStore(folder / "objects.db")
        stack.callback(objects.close)
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        store = stack.enter_context(closing(ItemStore(folder / "cosmos.db")))
        identities = Identities(key, resources, Directory(objects))
        account = CosmosAccount(Deployment(resources), identities, store, Faults(folder / "faults.json"))
        stack.enter_context(account.handler)
        # The recorder runs event loops of its own.
        policies = await asyncio.to_thread(record_container_policies, "local", {"features": list(_FEATURES)})
        container = account.add_container("images", **policies)
        account.assign_role("api", *RECORD_QUERY_DATA_ACTIONS)
        async with connect_to_models() as azure, _serve(account), account.async_client("api") as client:
            analyses = await analyze([photo.read_bytes() for photo in photos], _FEATURES, azure)
            for photo, analysis in zip(photos, analyses, strict=True):
                record = create_record(photo.name, tags=(), caption=None)
                record = record.with_analysis(analysis, min_confidence=min_confidence)
                store.create(Container.of_resource(container), (record.id,), msgspec.to_builtins(record))
            proxy = client.get_database_client("pipeline").get_container_client("images")
            yield PhotoSearches(
                queries=CosmosRecordQueries(proxy, ServiceBoundary("Cosmos DB"), CursorSigner(DayKeys())),
                vectorizer=VisionTextVectorizer([ENDPOINT], azure),
            )


@asynccontextmanager
async def _serve(account: CosmosAccount) -> AsyncIterator[None]:
    application = create_application({"documents.azure.com": account.handler.handle}, ConnectionOrigins())
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        account.port = runner.addresses[0][1]
        yield
    finally:
        await runner.cleanup()
