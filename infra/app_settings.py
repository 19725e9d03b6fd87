"""App settings of the function code: what `functions/classifier/settings.py` reads, and its trigger's connection."""

from __future__ import annotations

import json

import pulumi
from pulumi_azure_native import managedidentity

from infra.components.analyzers import Analyzer
from infra.components.cosmos import CosmosDatabase
from infra.components.event_grid import ResultTopic
from infra.components.image_storage import ImageStorage
from infra.components.shadow_queue import ShadowQueue
from infra.config.settings import Settings
from infra.core.analysis import successor_features


def pipeline_functions(*, shadow: bool) -> list[str]:
    """The functions of the pipeline app's code; a test compares them with it.

    Args:
        shadow: A successor is in the shadow.
    """
    functions = ["backfill", "classify", "delete_image", "reconcile", "redrive"]
    return [*functions, "shadow"] if shadow else functions


def function_app_settings(
    *,
    settings: Settings,
    identity: managedidentity.UserAssignedIdentity,
    image_storage: ImageStorage,
    analyzer: Analyzer,
    database: CosmosDatabase,
    result_topic: ResultTopic | None,
    shadow_analyzer: Analyzer | None,
    shadow_queue: ShadowQueue | None,
    api_client_id: pulumi.Input[str] | None,
) -> dict[str, pulumi.Input[str]]:
    """Return the code's app settings by name.

    A setting is absent when its feature is off: no copies, no result topic, no shadow, no sign-in.
    """
    app_settings: dict[str, pulumi.Input[str]] = {
        "PIPELINE_CLIENT_ID": identity.client_id,
        "PIPELINE_BLOB_ENDPOINT": image_storage.blob_endpoint,
        "PIPELINE_QUEUE_ENDPOINT": image_storage.queue_endpoint,
        "PIPELINE_IMAGES_CONTAINER": image_storage.images.name,
        "PIPELINE_DEADLETTER_CONTAINER": image_storage.dead_letters.name,
        "PIPELINE_IMAGES_QUEUE": image_storage.queue.name,
        "PIPELINE_COSMOS_ENDPOINT": database.endpoint,
        "PIPELINE_COSMOS_DATABASE": database.database.name,
        "PIPELINE_COSMOS_IMAGES": database.images.name,
        "PIPELINE_COSMOS_ANALYSES": database.analyses.name,
        "PIPELINE_ANALYZER": analyzer.name,
        "PIPELINE_ANALYZER_OPTIONS": analyzer.options_json,
        "PIPELINE_FEATURES": json.dumps([*settings.features]),
        "PIPELINE_MIN_CONFIDENCE": str(settings.min_confidence),
        "PIPELINE_MAX_RETRY_AGE_HOURS": str(settings.max_retry_age_hours),
        "PIPELINE_TRIGGER": settings.trigger,
        "PIPELINE_RECONCILE_SCHEDULE": settings.reconcile_schedule,
        # The queue trigger's connection, by identity:
        # https://learn.microsoft.com/azure/azure-functions/functions-reference#configure-an-identity-based-connection
        "IMAGES__queueServiceUri": image_storage.queue_endpoint,
        "IMAGES__credential": "managedidentity",
        "IMAGES__clientId": identity.client_id,
        # Wins over host.json: https://learn.microsoft.com/azure/azure-functions/functions-host-json#override-hostjson-values
        "AzureFunctionsJobHost__extensions__queues__batchSize": str(settings.sizing.batch_size),
    }
    if result_topic is not None:
        app_settings["PIPELINE_RESULTS_ENDPOINT"] = result_topic.topic.endpoint
    if image_storage.copies is not None:
        app_settings["PIPELINE_CLASSIFIED_CONTAINER"] = image_storage.copies.name
    if settings.shadow is not None and shadow_analyzer is not None and shadow_queue is not None:
        # The code has the function `shadow` with this setting only.
        app_settings["PIPELINE_SHADOW_QUEUE"] = shadow_queue.queue.name
        app_settings["PIPELINE_SHADOW_PERCENT"] = str(settings.shadow.percent)
        app_settings["PIPELINE_SHADOW_ANALYZER"] = shadow_analyzer.name
        app_settings["PIPELINE_SHADOW_ANALYZER_OPTIONS"] = shadow_analyzer.options_json
        app_settings["PIPELINE_SHADOW_FEATURES"] = json.dumps([*successor_features(settings.features)])
    if database.comparisons is not None:
        app_settings["PIPELINE_SHADOW_COMPARISONS"] = database.comparisons.name
    if api_client_id is not None:
        app_settings["PIPELINE_API_CLIENT_ID"] = api_client_id
        app_settings["PIPELINE_TENANT_ID"] = identity.tenant_id
    return app_settings
