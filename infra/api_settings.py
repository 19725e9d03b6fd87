"""App settings of the API app: what `functions/api/image_api/settings.py` reads."""

from __future__ import annotations

import json

import pulumi
from pulumi_azure_native import managedidentity

from infra.components.analyzers import Analyzer
from infra.components.cosmos import CosmosDatabase
from infra.components.image_storage import ImageStorage
from infra.config.settings import Settings

# The functions of the app's code; a test compares them with it.
API_FUNCTIONS = (
    "create_upload",
    "delete_image",
    "find_similar_images",
    "get_configuration",
    "get_image",
    "get_image_content",
    "get_openapi",
    "get_page",
    "get_page_file",
    "get_statistics",
    "list_categories",
    "list_images",
    "list_labels",
)


def api_app_settings(
    *,
    settings: Settings,
    identity: managedidentity.UserAssignedIdentity,
    image_storage: ImageStorage,
    analyzer: Analyzer,
    database: CosmosDatabase,
    pipeline_url: pulumi.Input[str],
    client_id: pulumi.Input[str],
) -> dict[str, pulumi.Input[str]]:
    """Return the API's app settings by name.

    A setting is absent when its feature is off: no embeddings, no pages of other origins.
    """
    app_settings: dict[str, pulumi.Input[str]] = {
        "IMAGE_API_CLIENT_ID": identity.client_id,
        "IMAGE_API_BLOB_ENDPOINT": image_storage.blob_endpoint,
        "IMAGE_API_IMAGES_CONTAINER": image_storage.images.name,
        "IMAGE_API_COSMOS_ENDPOINT": database.endpoint,
        "IMAGE_API_COSMOS_DATABASE": database.database.name,
        "IMAGE_API_COSMOS_IMAGES": database.images.name,
        "IMAGE_API_MIN_SIMILARITY": str(settings.min_similarity),
        "IMAGE_API_ANALYZER": analyzer.name,
        "IMAGE_API_FEATURES": json.dumps([*settings.features]),
        "IMAGE_API_PIPELINE_URL": pipeline_url,
        "IMAGE_API_TENANT_ID": identity.tenant_id,
        "IMAGE_API_APPLICATION_ID": client_id,
        # The app's own page is at the root, where the host has a page of its own otherwise:
        # https://learn.microsoft.com/azure/azure-functions/functions-app-settings#azurewebjobsdisablehomepage
        "AzureWebJobsDisableHomepage": "true",
    }
    if settings.stores_embeddings:
        endpoints = pulumi.Output.from_input(analyzer.options).apply(lambda options: json.dumps(options["endpoints"]))
        app_settings["IMAGE_API_VISION_ENDPOINTS"] = endpoints
    if settings.api_origins:
        app_settings["IMAGE_API_ALLOWED_ORIGINS"] = json.dumps([*settings.api_origins])
    return app_settings
