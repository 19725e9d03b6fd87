"""Settings of access: who may sign in and what they may do, and the API that they call."""

from pydantic import Field

from infra.config.field_types import ApplicationId, Origins, Principals
from infra.config.redirect_uris import RedirectUris
from infra.config.sign_in_rules import SignIn
from infra.config.stack_config import StackConfig


class AccessSettings(StackConfig):
    """The settings of access; `infra.Settings` has them all."""

    sign_in: SignIn = Field(
        default="none",
        description=(
            "App registration of the API: an existing one, one that the program creates, or none; then there is no API"
            " app, and nobody can call redrive and backfill."
        ),
    )
    api_application_id: ApplicationId = Field(default="", description="Application (client) id, for signIn existing.")
    spa_redirect_uris: RedirectUris = Field(
        default=(), description="Where browsers return to besides the gallery, for signIn create."
    )
    readers: Principals = Field(default=(), description="Principals that may read images and records by the API.")
    operators: Principals = Field(default=(), description="Principals that may delete images, redrive and backfill.")
    uploaders: Principals = Field(default=(), description="Principals that may upload images and read their records.")
    api_origins: Origins = Field(
        default=(),
        description=(
            "Origins of web pages that may call the API and upload images, such as https://photos.contoso.com; the"
            " API's own page always may."
        ),
    )
    min_similarity_percent: int = Field(
        default=25,
        ge=0,
        le=100,
        description="Lowest similarity of a search's words and an image's embedding that is a result.",
    )

    role_definition_replication_seconds: int = Field(
        default=60,
        ge=0,
        le=600,
        description="Seconds to wait for new or changed custom roles to replicate before they are assigned.",
    )
    role_propagation_seconds: int = Field(
        default=300,
        ge=0,
        le=900,
        description="Seconds to wait for new or changed role assignments to propagate before a resource needs them.",
    )

    @property
    def min_similarity(self) -> float:
        """The lowest similarity of a text and an image, 0 to 1, that is a result of a search."""
        return self.min_similarity_percent / 100
