"""The app settings of the pipeline app."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import msgspec
from common.settings import load_settings
from msgspec import Meta, Struct

_PREFIX = "PIPELINE_"


@dataclass(frozen=True, kw_only=True)
class TriggerConnection:
    """The queue that the Functions host has received a message from, from the settings of its trigger.

    Attributes:
        queue_endpoint: the queue endpoint of the data account.
        client_id: the client ID of the app's managed identity.
        queue: the name of the queue.
    """

    queue_endpoint: str
    client_id: str
    queue: str

    @staticmethod
    def load(environment: Mapping[str, str] = os.environ, *, queue_setting: str) -> "TriggerConnection":
        """Read the settings. The host has used them all, so none is missing while there are messages.

        Args:
            environment: the names and texts of the settings.
            queue_setting: the setting with the name of the trigger's queue.

        https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger#identity-based-connections
        """
        return TriggerConnection(
            queue_endpoint=environment["IMAGES__queueServiceUri"],
            client_id=environment["IMAGES__clientId"],
            queue=environment[queue_setting],
        )


def _environment_name(field: str) -> str:
    return f"{_PREFIX}{field.upper()}"


class Settings(Struct, frozen=True, kw_only=True, rename=_environment_name):
    """The app settings of the pipeline; infra/app_settings.py writes them.

    The name of a setting is `PIPELINE_` and the field's name in capitals (`common.settings.load_settings`).
    """

    client_id: Annotated[str, Meta(description="Client ID of the app's user-assigned managed identity.")]
    blob_endpoint: Annotated[str, Meta(description="Blob endpoint of the data account.")]
    queue_endpoint: Annotated[str, Meta(description="Queue endpoint of the data account.")]
    images_container: Annotated[str, Meta(description="Container of the images.")]
    deadletter_container: Annotated[str, Meta(description="Container of the dead letters.")]
    classified_container: Annotated[
        str | None, Meta(description="Container of the copies of classified images; without it there are no copies.")
    ] = None
    images_queue: Annotated[str, Meta(description="Queue of the events.")]
    cosmos_endpoint: Annotated[str, Meta(description="Endpoint of the Cosmos DB account.")]
    cosmos_database: Annotated[str, Meta(description="Cosmos DB database.")]
    cosmos_images: Annotated[str, Meta(description="Cosmos DB container of the records.")]
    cosmos_analyses: Annotated[str, Meta(description="Cosmos DB container of the analyses and of the checkpoint.")]
    results_endpoint: Annotated[
        str | None, Meta(description="Endpoint of the results topic; without it no results are published.")
    ] = None
    analyzer: Annotated[str, Meta(description="Name of the analyzer: the name of its module, with dashes.")]
    analyzer_options: Annotated[
        dict[str, Any],
        Meta(description="Options of the analyzer.", extra={"is_json": True, "allowed": "a JSON object"}),
    ]
    features: Annotated[
        tuple[str, ...],
        Meta(
            description="The features to request.",
            min_length=1,
            extra={"is_json": True, "allowed": "a JSON list of texts"},
        ),
    ]
    min_confidence: Annotated[
        float,
        Meta(description="The lowest confidence of a label.", ge=0, le=1, extra={"allowed": "a number 0 to 1"}),
    ]
    max_retry_age_hours: Annotated[
        float,
        Meta(
            description="How long after its first error a message is retried, in hours; at most a year.",
            gt=0,
            le=8760,
            extra={"allowed": "a number over 0 and at most 8760"},
        ),
    ]
    trigger: Annotated[
        Literal["events", "schedule"],
        Meta(
            description="Whether events or only the schedule of reconcile lead to new images.",
            extra={"allowed": "events or schedule"},
        ),
    ]
    reconcile_schedule: Annotated[
        str, Meta(description="NCRONTAB expression of reconcile. The Functions host reads it too, and runs reconcile.")
    ]
    api_client_id: Annotated[
        str | None,
        Meta(description="Audience of callers' access tokens; without it, nobody may call."),
    ] = None
    tenant_id: Annotated[str | None, Meta(description="Tenant that issues callers' access tokens.")] = None

    shadow_queue: Annotated[
        str | None,
        Meta(description="Queue of the images that a successor analyzes too; without it there is no shadow."),
    ] = None
    shadow_percent: Annotated[
        float,
        Meta(
            description="Share of the images that a successor analyzes too.",
            ge=0,
            le=100,
            extra={"allowed": "a number 0 to 100"},
        ),
    ] = 0
    shadow_analyzer: Annotated[str, Meta(description="Name of the successor.")] = ""
    shadow_analyzer_options: Annotated[
        dict[str, Any],
        Meta(description="Options of the successor.", extra={"is_json": True, "allowed": "a JSON object"}),
    ] = {}
    shadow_features: Annotated[
        tuple[str, ...],
        Meta(
            description="The features to request of the successor.",
            extra={"is_json": True, "allowed": "a JSON list of texts"},
        ),
    ] = ()
    shadow_comparisons: Annotated[str, Meta(description="Cosmos DB container of the comparisons.")] = ""

    @property
    def poison_queue(self) -> str:
        """The queue that the Functions host moves messages to after too many deliveries; the host adds the suffix."""
        return f"{self.images_queue}-poison"

    @property
    def is_scheduled(self) -> bool:
        """Whether new images are found by reconcile alone, without events."""
        return self.trigger == "schedule"

    @staticmethod
    def load(environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings from `environment`. Raises SettingsError if some are missing or wrong."""
        return load_settings(Settings, environment, prefix=_PREFIX)


REQUIRED = tuple(field.encode_name for field in msgspec.structs.fields(Settings) if field.required)
OPTIONAL = tuple(field.encode_name for field in msgspec.structs.fields(Settings) if not field.required)
