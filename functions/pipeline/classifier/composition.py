"""The pipeline with Azure behind every port."""

import asyncio
import importlib
from dataclasses import dataclass
from datetime import timedelta

from azure.cosmos.aio import CosmosClient
from azure.eventgrid.aio import EventGridPublisherClient
from azure.identity.aio import ManagedIdentityCredential
from azure.storage.blob.aio import ContainerClient

from classifier.adapters.azure_clients import World, connections
from classifier.adapters.blob_storage import BlobGallery, BlobImages, DeadLetters, image_container
from classifier.adapters.cosmos import CosmosAnalyses, CosmosContainer, CosmosMemory, CosmosRecords
from classifier.adapters.entra import Operators
from classifier.adapters.event_grid import TopicAnnouncer
from classifier.adapters.image_headers import read_header
from classifier.adapters.queues import StorageQueue, queue
from classifier.adapters.service_errors import ServiceBoundary
from classifier.domain import timeouts
from classifier.domain.circuit_breaker import CircuitBreaker
from classifier.domain.ports import Analyzer
from classifier.settings import Settings, SettingsError
from classifier.use_cases.classify import Pipeline
from classifier.use_cases.reconcile import Reconcile


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
        connection_timeout=timeouts.CONNECTION_SECONDS,
        read_timeout=timeouts.READ_SECONDS,
        # Of requests refused with 429; the SDK's nine and thirty seconds would hold an instance for nothing.
        retry_total=3,
        retry_backoff_max=5,
        # What was written need not come back.
        no_response_on_write=True,
    )
    cosmos = account.get_database_client(settings.cosmos_database)
    boundary = ServiceBoundary("Cosmos DB", CircuitBreaker("Cosmos DB"))

    def items(name: str) -> CosmosContainer:
        return CosmosContainer(cosmos.get_container_client(name), boundary)

    analyses = items(settings.cosmos_analyses)
    records = CosmosRecords(items(settings.cosmos_images))

    def blobs(name: str) -> ContainerClient:
        return ContainerClient(settings.blob_endpoint, name, **world.client)

    images = BlobImages(image_container(settings.blob_endpoint, settings.images_container, **world.client))
    queued = StorageQueue(queue(settings.queue_endpoint, settings.images_queue, world))
    poison = StorageQueue(queue(settings.queue_endpoint, settings.poison_queue, world))
    analyzer = _analyzer(settings, world)
    announcer = gallery = None
    if settings.results_endpoint:
        # Without the SDK's own retries: the queue's last longer, and its breaker knows of every call.
        client = EventGridPublisherClient(settings.results_endpoint, retry_total=0, **world.client)
        announcer = TopicAnnouncer(client)
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
            time_limit=asyncio.timeout,
        ),
        reconcile=Reconcile(
            images=images,
            records=records,
            analyzer=analyzer,
            letters=DeadLetters(blobs(settings.deadletter_container)),
            queue=queued,
            poison=poison,
            memory=CosmosMemory(analyses),
            grace=timeouts.SCHEDULE_GRACE if settings.scheduled else timeouts.EVENT_GRACE,
        ),
        images=queued,
        poison=poison,
        operators=Operators(settings.operators, tenant=settings.tenant_id, audience=settings.api_audience),
    )
