"""The pipeline with Azure behind every port."""

import asyncio
import importlib
import ssl
import urllib.request
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

import aiohttp
from azure.core.pipeline.transport import AioHttpTransport
from azure.cosmos.aio import CosmosClient
from azure.eventgrid.aio import EventGridPublisherClient
from azure.identity.aio import ManagedIdentityCredential
from azure.storage.blob.aio import ContainerClient

from classifier.adapters.blobs import BlobGallery, BlobImages, DeadLetters, container, reader
from classifier.adapters.cosmos import CosmosAnalyses, CosmosMemory, CosmosRecords
from classifier.adapters.entra import Operators
from classifier.adapters.headers import read_header
from classifier.adapters.queues import StorageQueue, queue
from classifier.adapters.results import TopicAnnouncer
from classifier.analyzers.world import World
from classifier.pipeline import Pipeline
from classifier.ports import Analyzer
from classifier.reconcile import GRACE, Reconcile
from classifier.settings import Settings, SettingsError

# All that is done for one message; far less than the lease on it, ten minutes (docs/decisions/0014).
BUDGET_SECONDS = 240


@dataclass(frozen=True, kw_only=True)
class App:
    """What the functions need."""

    pipeline: Pipeline
    reconcile: Reconcile
    images: StorageQueue
    poison: StorageQueue
    operators: Operators


def _transport() -> AioHttpTransport:
    """One pool of connections for all services.

    What the environment says of proxies is asked once: aiohttp alone would ask it, and a .netrc, at every request.
    """
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=ssl.create_default_context()),
        proxy=urllib.request.getproxies().get("https"),
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
    )
    return AioHttpTransport(session=session, session_owner=False)


def _analyzer(settings: Settings, world: World) -> Analyzer:
    name = settings.analyzer.replace("-", "_")
    try:
        module = importlib.import_module(f"classifier.analyzers.{name}")
        build = module.build
    except (ModuleNotFoundError, AttributeError) as error:
        raise SettingsError(f"PIPELINE_ANALYZER is {settings.analyzer!r}, and there is no such analyser") from error
    return build(settings.analyzer_options, settings.features, world)


def wire(settings: Settings, *, last_attempt: int) -> App:
    """An app that acts as its user-assigned identity, everywhere; to be called in the loop that it will run in."""
    credential = ManagedIdentityCredential(client_id=settings.client_id)
    transport = _transport()
    world = World(credential=credential, transport=transport)
    cosmos = CosmosClient(
        settings.cosmos_endpoint, credential, transport=transport, connection_timeout=5, read_timeout=20
    ).get_database_client(settings.cosmos_database)
    analyses = cosmos.get_container_client(settings.cosmos_analyses)
    records = CosmosRecords(cosmos.get_container_client(settings.cosmos_images))

    def blobs(name: str) -> ContainerClient:
        return container(settings.blob_endpoint, name, credential, transport)

    images = BlobImages(blobs(settings.images_container), reader(settings.blob_endpoint, credential, transport))
    queued = StorageQueue(queue(settings.queue_endpoint, settings.images_queue, credential, transport))
    poison = StorageQueue(queue(settings.queue_endpoint, settings.poison_queue, credential, transport))
    analyzer = _analyzer(settings, world)
    announcer = gallery = None
    if settings.results_endpoint:
        announcer = TopicAnnouncer(
            EventGridPublisherClient(settings.results_endpoint, credential, transport=transport, read_timeout=20)
        )
    if settings.classified_container:
        gallery = BlobGallery(blobs(settings.classified_container))
    return App(
        pipeline=Pipeline(
            images=images,
            headers=read_header,
            analyzer=analyzer,
            records=records,
            analyses=CosmosAnalyses(analyses),
            queue=queued,
            poison=poison,
            announcer=announcer,
            gallery=gallery,
            min_confidence=settings.min_confidence,
            patience=timedelta(hours=settings.patience_hours),
            last_attempt=last_attempt,
            budget=partial(asyncio.timeout, BUDGET_SECONDS),
        ),
        reconcile=Reconcile(
            images=images,
            records=records,
            analyzer=analyzer,
            letters=DeadLetters(blobs(settings.deadletter_container)),
            queue=queued,
            poison=poison,
            memory=CosmosMemory(analyses),
            grace=timedelta() if settings.scheduled else GRACE,
        ),
        images=queued,
        poison=poison,
        operators=Operators(settings.operators, tenant=settings.tenant_id, audience=settings.api_audience),
    )
