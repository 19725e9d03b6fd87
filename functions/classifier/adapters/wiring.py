"""The pipeline with Azure behind every port."""

from azure.cosmos import CosmosClient
from azure.identity import ManagedIdentityCredential

from classifier.adapters.blobs import BlobImages
from classifier.adapters.cosmos import CosmosAnalyses, CosmosRecords
from classifier.adapters.vision import VisionAnalyzer, VisionPool
from classifier.pipeline import Pipeline
from classifier.settings import Settings


def wire(settings: Settings) -> Pipeline:
    """A pipeline that acts as the app's user-assigned identity, everywhere."""
    credential = ManagedIdentityCredential(client_id=settings.client_id)
    database = CosmosClient(settings.cosmos_endpoint, credential).get_database_client(settings.cosmos_database)
    return Pipeline(
        images=BlobImages(settings.blob_endpoint, settings.images_container, credential),
        analyzer=VisionPool([VisionAnalyzer(endpoint, credential) for endpoint in settings.vision_endpoints]),
        records=CosmosRecords(database.get_container_client(settings.cosmos_images)),
        analyses=CosmosAnalyses(database.get_container_client(settings.cosmos_analyses)),
        features=settings.features,
        min_confidence=settings.min_confidence,
    )
