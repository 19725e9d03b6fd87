"""The pipeline with Azure behind every port."""

import asyncio
import importlib
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from azure.cosmos.aio import CosmosClient
from azure.eventgrid.aio import EventGridPublisherClient
from azure.identity.aio import ManagedIdentityCredential
from azure.storage.blob.aio import ContainerClient

from classifier.adapters.blobs import BlobGallery, BlobImages, DeadLetters, image_container
from classifier.adapters.cosmos import CosmosAnalyses, CosmosMemory, CosmosRecords
from classifier.adapters.entra import Operators
from classifier.adapters.headers import read_header
from classifier.adapters.queues import StorageQueue, queue
from classifier.adapters.results import TopicAnnouncer
from classifier.adapters.world import World, connections
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
    world = World(credential=ManagedIdentityCredential(client_id=settings.client_id), transport=connections())
    account = CosmosClient(
        settings.cosmos_endpoint,
        **world.client,
        # Its client has timeouts of its own.
        connection_timeout=5,
        read_timeout=20,
        # What was written need not come back.
        no_response_on_write=True,
    )
    cosmos = account.get_database_client(settings.cosmos_database)
    analyses = cosmos.get_container_client(settings.cosmos_analyses)
    records = CosmosRecords(cosmos.get_container_client(settings.cosmos_images))

    def blobs(name: str) -> ContainerClient:
        return ContainerClient(settings.blob_endpoint, name, **world.client)

    images = BlobImages(image_container(settings.blob_endpoint, settings.images_container, **world.client))
    queued = StorageQueue(queue(settings.queue_endpoint, settings.images_queue, world))
    poison = StorageQueue(queue(settings.queue_endpoint, settings.poison_queue, world))
    analyzer = _analyzer(settings, world)
    announcer = gallery = None
    if settings.results_endpoint:
        announcer = TopicAnnouncer(EventGridPublisherClient(settings.results_endpoint, **world.client))
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
