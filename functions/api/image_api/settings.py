"""The app settings of the API app."""

import os
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from common.settings import load_settings
from msgspec import Meta, Struct

_PREFIX = "IMAGE_API_"
# Entra ID of Azure's public cloud.
SIGN_IN_ORIGIN = "https://login.microsoftonline.com"


def _environment_name(field: str) -> str:
    return f"{_PREFIX}{field.upper()}"


class Settings(Struct, frozen=True, kw_only=True, rename=_environment_name):
    """The app settings of the API; infra/api_settings.py writes them.

    The name of a setting is `IMAGE_API_` and the field's name in capitals (`common.settings.load_settings`).
    """

    client_id: Annotated[str, Meta(description="Client ID of the app's user-assigned managed identity.")]
    blob_endpoint: Annotated[str, Meta(description="Blob endpoint of the data account.")]
    images_container: Annotated[str, Meta(description="Container of the images.")]
    cosmos_endpoint: Annotated[str, Meta(description="Endpoint of the Cosmos DB account.")]
    cosmos_database: Annotated[str, Meta(description="Cosmos DB database.")]
    cosmos_images: Annotated[str, Meta(description="Cosmos DB container of the records.")]
    vision_endpoints: Annotated[
        tuple[str, ...],
        Meta(
            description="Endpoints of the Vision accounts, for embeddings of texts; none without embeddings.",
            min_length=1,
            extra={"is_json": True, "allowed": "a JSON list of texts"},
        ),
    ] = ()
    min_similarity: Annotated[
        float,
        Meta(
            description="The lowest similarity of a text and an image that fits a search.",
            ge=-1,
            le=1,
            extra={"allowed": "a number -1 to 1"},
        ),
    ]
    analyzer: Annotated[str, Meta(description="Name of the pipeline's analyzer, whose limits uploads have.")]
    features: Annotated[
        tuple[str, ...],
        Meta(
            description="What the pipeline looks for in images.",
            min_length=1,
            extra={"is_json": True, "allowed": "a JSON list of texts"},
        ),
    ]
    pipeline_url: Annotated[str, Meta(description="Address of the pipeline app's functions, which delete images.")]
    tenant_id: Annotated[str, Meta(description="Tenant that issues the callers' access tokens.")]
    application_id: Annotated[str, Meta(description="Application (client) ID of the API's registration.")]
    allowed_origins: Annotated[
        tuple[str, ...],
        Meta(
            description="Origins of web pages that may call the API, besides its own.",
            min_length=1,
            extra={"is_json": True, "allowed": "a JSON list of texts"},
        ),
    ] = ()

    @property
    def authority(self) -> str:
        """The authority of Entra ID that signs the callers in, without a slash at its end."""
        return f"{SIGN_IN_ORIGIN}/{self.tenant_id}"

    @property
    def blob_origin(self) -> str:
        """Scheme and host name of the addresses of images."""
        blob_url = urlsplit(self.blob_endpoint)
        return f"{blob_url.scheme}://{blob_url.netloc}"

    @staticmethod
    def load(environment: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings from `environment`. Raises SettingsError if some are missing or wrong."""
        return load_settings(Settings, environment, prefix=_PREFIX)


REQUIRED = tuple(field.encode_name for field in msgspec.structs.fields(Settings) if field.required)
OPTIONAL = tuple(field.encode_name for field in msgspec.structs.fields(Settings) if not field.required)
