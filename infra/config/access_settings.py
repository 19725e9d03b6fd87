"""Settings of access: who may sign in and what they may do, and the API that they call."""

from pydantic import Field

from infra.config.field_types import ApplicationId, Origins, Principals, RedirectUris
from infra.config.sign_in_rules import SignIn
from infra.config.stack_config import StackConfig


class AccessSettings(StackConfig):
    """The settings of access; `infra.Settings` has them all."""

    sign_in: SignIn = Field(
        default="none",
        description=(
            "App registration of the API: existing (apiApplicationId), one of the program's own (create), or none; then"
            " no API app is deployed, and nobody can call redrive and backfill."
        ),
    )
    api_application_id: ApplicationId = Field(
        default="", description="Application (client) id of the app registration, for signIn existing."
    )
    spa_redirect_uris: RedirectUris = Field(
        default=(), description="Where browsers return to after sign-in, for signIn create."
    )
    readers: Principals = Field(default=(), description="Principals that may read images and records by the API.")
    operators: Principals = Field(
        default=(), description="Principals that may delete images by the API, and call redrive and backfill."
    )
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

    @property
    def min_similarity(self) -> float:
        """The lowest similarity of a text and an image, 0 to 1, that is a result of a search."""
        return self.min_similarity_percent / 100
