"""Composition: creates the use cases with their adapters."""

from datetime import UTC, datetime

from azure.identity.aio import ManagedIdentityCredential
from azure.storage.blob.aio import BlobServiceClient
from common.adapters.access_tokens import TokenValidator
from common.adapters.azure_clients import AzureClients, create_transport
from common.adapters.cosmos import CosmosContainer, CosmosRecordReader, create_cosmos_client
from common.adapters.cursor_keys import UserDelegationCursorKeys
from common.adapters.record_queries import CosmosRecordQueries
from common.adapters.service_errors import ServiceBoundary
from common.domain.circuit_breaker import CircuitBreaker
from common.domain.cursors import CursorSigner
from common.domain.image_limits import ANALYZER_LIMITS
from common.settings import SettingsError

from image_api.adapters.blobs import SignedImageBlobs
from image_api.adapters.pipeline import PipelineImageDeleter
from image_api.adapters.records import CheckedCursorKeys, CheckedRecordQueries, CheckedRecordReader
from image_api.adapters.vision import VisionTextVectorizer
from image_api.domain.configuration import ClientConfiguration, upload_limits
from image_api.domain.rate_limits import RateLimits
from image_api.settings import Settings
from image_api.use_cases.application import Application
from image_api.use_cases.images import Images
from image_api.use_cases.search import Search
from image_api.use_cases.uploads import Uploads

# A page of a hundred images makes one request; a person who scrolls fast makes some a second.
_REQUESTS_PER_SECOND = 20.0
_BURST = 200


def _now() -> datetime:
    return datetime.now(UTC)


def create_application(settings: Settings) -> Application:
    """Create the application with the app's user-assigned managed identity, in the event loop that is running now.

    Raises:
        SettingsError: there is no such analyzer.
    """
    configuration = create_configuration(settings)
    azure = AzureClients(
        credential=ManagedIdentityCredential(client_id=settings.client_id), transport=create_transport()
    )
    cosmos_client = create_cosmos_client(settings.cosmos_endpoint, azure)
    container = cosmos_client.get_database_client(settings.cosmos_database).get_container_client(settings.cosmos_images)
    boundary = ServiceBoundary("Cosmos DB", CircuitBreaker("Cosmos DB"))
    blob_client = BlobServiceClient(settings.blob_endpoint, retry_total=2, initial_backoff=1, **azure.client_options)
    blobs = SignedImageBlobs(blob_client, settings.images_container)
    records = CheckedRecordReader(CosmosRecordReader(CosmosContainer(container, boundary)))
    cursors = CursorSigner(CheckedCursorKeys(UserDelegationCursorKeys(blob_client)))
    return Application(
        authenticator=TokenValidator(tenant_id=settings.tenant_id, client_id=settings.application_id),
        rate_limits=RateLimits(per_second=_REQUESTS_PER_SECOND, burst=_BURST),
        uploads=Uploads(
            blobs=blobs,
            container=settings.images_container,
            content_types=configuration.limits.content_types,
            now=_now,
        ),
        images=Images(
            records=records,
            blobs=blobs,
            deleter=PipelineImageDeleter(settings.pipeline_url, azure),
            container=settings.images_container,
            now=_now,
        ),
        search=Search(
            queries=CheckedRecordQueries(CosmosRecordQueries(container, boundary, cursors)),
            records=records,
            blobs=blobs,
            vectorizer=VisionTextVectorizer(settings.vision_endpoints, azure) if settings.vision_endpoints else None,
            min_similarity=settings.min_similarity,
            now=_now,
        ),
        configuration=configuration,
    )


def create_configuration(settings: Settings) -> ClientConfiguration:
    """Return what clients need to know. Raises SettingsError if there is no such analyzer."""
    limits = ANALYZER_LIMITS.get(settings.analyzer)
    if limits is None:
        raise SettingsError(f"IMAGE_API_ANALYZER is {settings.analyzer!r}, and there is no such analyzer")
    return ClientConfiguration(
        authority=settings.authority,
        client_id=settings.application_id,
        scope=f"{settings.application_id}/.default",
        blob_origin=settings.blob_origin,
        limits=upload_limits(limits),
        features=settings.features,
    )
