"""Composition: creates the use cases with their adapters and the configured analyzer."""

import asyncio
import importlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from azure.eventgrid.aio import EventGridPublisherClient
from azure.identity.aio import ManagedIdentityCredential
from azure.storage.blob.aio import ContainerClient
from common.adapters.access_tokens import TokenValidator
from common.adapters.azure_clients import AzureClients, create_transport
from common.adapters.cosmos import CosmosContainer, create_cosmos_client, write_region
from common.adapters.service_errors import ServiceBoundary
from common.domain import timeouts
from common.domain.circuit_breaker import CircuitBreaker
from common.settings import SettingsError

from classifier.adapters.blob_storage import (
    BlobImageCopyStore,
    BlobImageStore,
    create_image_container_client,
)
from classifier.adapters.comparisons import CosmosComparisonStore
from classifier.adapters.cosmos import (
    CosmosAnalysisCache,
    CosmosCheckpointStore,
    CosmosRecordRepository,
)
from classifier.adapters.day_counts import CosmosDayCountStore
from classifier.adapters.dead_letters import BlobDeadLetterStore
from classifier.adapters.event_grid import EventGridResultPublisher
from classifier.adapters.image_headers import read_header
from classifier.adapters.queues import StorageQueue, create_queue_client
from classifier.domain.ports import Analyzer
from classifier.settings import Settings, TriggerConnection
from classifier.use_cases.classify import Pipeline
from classifier.use_cases.count_records import RecordCounter
from classifier.use_cases.reconcile import Reconciler
from classifier.use_cases.shadow import Shadow
from classifier.use_cases.shadow_sampler import ShadowSampler


@dataclass(frozen=True, kw_only=True)
class ShadowQueues:
    """The queue of the shadow, and its poison queue."""

    queue: StorageQueue
    poison_queue: StorageQueue


@dataclass(frozen=True, kw_only=True)
class Application:
    """What the triggers call."""

    pipeline: Pipeline
    records: CosmosRecordRepository
    images: BlobImageStore
    reconciler: Reconciler
    record_counter: RecordCounter
    images_queue: StorageQueue
    poison_queue: StorageQueue
    shadow_queues: ShadowQueues | None
    token_validator: TokenValidator

    def redrive_queues(self, name: str) -> tuple[StorageQueue, StorageQueue] | None:
        """Return a poison queue and the queue that its messages belong to; None if the app has none of this name."""
        if name == "images":
            return self.poison_queue, self.images_queue
        if name == "shadow" and self.shadow_queues is not None:
            return self.shadow_queues.poison_queue, self.shadow_queues.queue
        return None


def create_analyzer(settings: Settings, azure: AzureClients) -> Analyzer:
    """Create the configured analyzer from the module of its name (see `classifier.analyzers`).

    Raises:
        SettingsError: there is no such analyzer, or its options are wrong.
    """
    build = _analyzer_module(settings.analyzer, "PIPELINE_ANALYZER").build
    return build(settings.analyzer_options, settings.features, azure)


def _analyzer_module(analyzer: str, setting: str) -> Any:
    """Return the module of an analyzer. Raises SettingsError if there is none."""
    try:
        module = importlib.import_module(f"classifier.analyzers.{analyzer.replace('-', '_')}")
        _ = module.build
    except (ModuleNotFoundError, AttributeError) as error:
        raise SettingsError(f"{setting} is {analyzer!r}, and there is no such analyzer") from error
    return module


def _create_azure_clients(client_id: str) -> AzureClients:
    """Create what the clients of a managed identity share."""
    return AzureClients(credential=ManagedIdentityCredential(client_id=client_id), transport=create_transport())


def _create_shadow_queues(settings: Settings, azure: AzureClients) -> ShadowQueues | None:
    """Create clients of the queues of the shadow; None if there is no shadow."""
    name = settings.shadow_queue
    if name is None:
        return None
    return ShadowQueues(
        queue=StorageQueue(create_queue_client(settings.queue_endpoint, name, azure)),
        poison_queue=StorageQueue(create_queue_client(settings.queue_endpoint, f"{name}-poison", azure)),
    )


def create_trigger_queue(connection: TriggerConnection) -> StorageQueue:
    """Create a client of the queue that the trigger receives from, in the event loop that is running now."""
    azure = _create_azure_clients(connection.client_id)
    return StorageQueue(create_queue_client(connection.queue_endpoint, connection.queue, azure))


def create_application(settings: Settings, *, last_attempt: int) -> Application:
    """Create the application with the app's user-assigned managed identity, in the event loop that is running now.

    Args:
        settings: the app's settings.
        last_attempt: the dequeue count after which a failure is recorded (see `Pipeline.handle`).

    Raises:
        SettingsError: the analyzer or its options are wrong.
    """
    azure = _create_azure_clients(settings.client_id)
    cosmos_client = create_cosmos_client(settings.cosmos_endpoint, azure)
    database = cosmos_client.get_database_client(settings.cosmos_database)
    cosmos_boundary = ServiceBoundary("Cosmos DB", CircuitBreaker("Cosmos DB"))
    analyses = CosmosContainer(database.get_container_client(settings.cosmos_analyses), cosmos_boundary)
    records_container = database.get_container_client(settings.cosmos_images)
    records = CosmosRecordRepository(CosmosContainer(records_container, cosmos_boundary))
    images = BlobImageStore(
        create_image_container_client(settings.blob_endpoint, settings.images_container, **azure.client_options)
    )
    dead_letters = BlobDeadLetterStore(
        ContainerClient(settings.blob_endpoint, settings.deadletter_container, **azure.client_options)
    )
    images_queue = StorageQueue(create_queue_client(settings.queue_endpoint, settings.images_queue, azure))
    poison_queue = StorageQueue(create_queue_client(settings.queue_endpoint, settings.poison_queue, azure))
    analyzer = create_analyzer(settings, azure)
    result_publisher: EventGridResultPublisher | None = None
    if settings.results_endpoint:
        # Without the SDK's own retries: the queue retries for longer, and the circuit breaker sees every call.
        result_publisher = EventGridResultPublisher(
            EventGridPublisherClient(settings.results_endpoint, retry_total=0, **azure.client_options)
        )
    image_copies: BlobImageCopyStore | None = None
    if settings.classified_container:
        image_copies = BlobImageCopyStore(
            ContainerClient(settings.blob_endpoint, settings.classified_container, **azure.client_options)
        )
    shadow_queues = _create_shadow_queues(settings, azure)
    shadow_sampler: ShadowSampler | None = None
    if shadow_queues is not None:
        shadow_sampler = ShadowSampler(
            queue=shadow_queues.queue,
            percent=settings.shadow_percent,
            breaker=CircuitBreaker("the queue of the shadow"),
            time_limit=asyncio.timeout,
        )
    return Application(
        pipeline=Pipeline(
            images=images,
            read_header=read_header,
            analyzer=analyzer,
            records=records,
            analyses=CosmosAnalysisCache(analyses),
            queue=images_queue,
            poison_queue=poison_queue,
            result_publisher=result_publisher,
            image_copies=image_copies,
            shadow_sampler=shadow_sampler,
            min_confidence=settings.min_confidence,
            max_retry_age=timedelta(hours=settings.max_retry_age_hours),
            last_attempt=last_attempt,
            time_limit=asyncio.timeout,
        ),
        reconciler=Reconciler(
            images=images,
            records=records,
            analyzer=analyzer,
            dead_letters=dead_letters,
            queue=images_queue,
            poison_queue=poison_queue,
            checkpoints=CosmosCheckpointStore(analyses, lambda: write_region(cosmos_client)),
            grace=timeouts.SCHEDULE_GRACE if settings.is_scheduled else timeouts.EVENT_GRACE,
        ),
        records=records,
        images=images,
        record_counter=RecordCounter(counts=CosmosDayCountStore(records_container, cosmos_boundary)),
        images_queue=images_queue,
        poison_queue=poison_queue,
        shadow_queues=shadow_queues,
        token_validator=TokenValidator(tenant_id=settings.tenant_id, client_id=settings.api_client_id),
    )


def create_shadow(settings: Settings) -> Shadow:
    """Create the use case of the shadow, in the event loop that is running now.

    It shares no client, circuit breaker or account pool with the application: what fails here must not stop it.

    Raises:
        SettingsError: there is no shadow, or the successor or its options are wrong.
    """
    azure = _create_azure_clients(settings.client_id)
    queues = _create_shadow_queues(settings, azure)
    if queues is None:
        raise SettingsError("PIPELINE_SHADOW_QUEUE is not set")
    cosmos_client = create_cosmos_client(settings.cosmos_endpoint, azure)
    database = cosmos_client.get_database_client(settings.cosmos_database)
    boundary = ServiceBoundary("Cosmos DB", CircuitBreaker("Cosmos DB"))
    build = _analyzer_module(settings.shadow_analyzer, "PIPELINE_SHADOW_ANALYZER").build
    return Shadow(
        images=BlobImageStore(
            create_image_container_client(settings.blob_endpoint, settings.images_container, **azure.client_options)
        ),
        read_header=read_header,
        analyzer=build(settings.shadow_analyzer_options, settings.shadow_features, azure),
        records=CosmosRecordRepository(
            CosmosContainer(database.get_container_client(settings.cosmos_images), boundary)
        ),
        analyses=CosmosAnalysisCache(
            CosmosContainer(database.get_container_client(settings.cosmos_analyses), boundary)
        ),
        comparisons=CosmosComparisonStore(
            CosmosContainer(database.get_container_client(settings.shadow_comparisons), boundary)
        ),
        queue=queues.queue,
        poison_queue=queues.poison_queue,
        time_limit=asyncio.timeout,
    )
