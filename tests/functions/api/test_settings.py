"""The app settings of the API app, and the application that is made of them."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from common.settings import SettingsError
from image_api import composition, triggers
from image_api.composition import create_application
from image_api.settings import OPTIONAL, REQUIRED, Settings

from tests.support.fake_vision_service import FakeVisionService
from tests.support.in_memory_services import as_json

ENVIRONMENT = {
    "IMAGE_API_CLIENT_ID": "identity",
    "IMAGE_API_BLOB_ENDPOINT": "https://data.blob.core.windows.net/",
    "IMAGE_API_IMAGES_CONTAINER": "images",
    "IMAGE_API_COSMOS_ENDPOINT": "https://records.documents.azure.com:443/",
    "IMAGE_API_COSMOS_DATABASE": "pipeline",
    "IMAGE_API_COSMOS_IMAGES": "images",
    "IMAGE_API_MIN_SIMILARITY": "0.25",
    "IMAGE_API_ANALYZER": "image-analysis",
    "IMAGE_API_FEATURES": '["tags", "embeddings"]',
    "IMAGE_API_PIPELINE_URL": "https://func.azurewebsites.net/api",
    "IMAGE_API_TENANT_ID": "tenant",
    "IMAGE_API_APPLICATION_ID": "application",
}
MORE = {
    "IMAGE_API_VISION_ENDPOINTS": '["https://v1.cognitiveservices.azure.com/"]',
    "IMAGE_API_ALLOWED_ORIGINS": '["https://photos.contoso.com"]',
}


def test_the_settings_are_read() -> None:
    settings = Settings.load(ENVIRONMENT | MORE)
    assert (set(REQUIRED), set(OPTIONAL)) == (set(ENVIRONMENT), set(MORE))
    assert settings.min_similarity == 0.25
    assert settings.features == ("tags", "embeddings")
    assert settings.allowed_origins == ("https://photos.contoso.com",)


def test_settings_that_are_missing_or_wrong_are_named_together() -> None:
    environment = ENVIRONMENT | {"IMAGE_API_MIN_SIMILARITY": "2", "IMAGE_API_ALLOWED_ORIGINS": "*"}
    del environment["IMAGE_API_TENANT_ID"]
    with pytest.raises(SettingsError) as error:
        Settings.load(environment)
    assert str(error.value).split("; ") == [
        "IMAGE_API_MIN_SIMILARITY is '2', not a number -1 to 1",
        "IMAGE_API_TENANT_ID is not set",
        "IMAGE_API_ALLOWED_ORIGINS is '*', not a JSON list of texts",
    ]


def test_the_settings_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (ENVIRONMENT | MORE).items():
        monkeypatch.setenv(name, value)
    for load in (triggers._settings, triggers._cross_origin_policy, triggers._page):
        load.cache_clear()
        try:
            assert load() is load()
        finally:
            load.cache_clear()


@pytest.mark.parametrize(("more", "vectorizes"), [({}, False), (MORE, True)])
def test_the_application_vectorizes_texts_with_embeddings_only(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, str], *, vectorizes: bool
) -> None:
    monkeypatch.setattr(composition, "create_transport", FakeVisionService)

    async def run() -> None:
        application = create_application(Settings.load(ENVIRONMENT | more))
        assert (application.search.vectorizer is not None) is vectorizes
        limits = application.rate_limits
        assert (limits._per_second, limits._burst) == (20, 200)
        assert abs(application.search.now() - datetime.now(UTC)) < timedelta(minutes=1)
        configuration = application.configuration
        assert configuration.authority == "https://login.microsoftonline.com/tenant"
        assert (configuration.client_id, configuration.scope) == ("application", "application/.default")
        assert configuration.blob_origin == "https://data.blob.core.windows.net"
        assert configuration.limits.max_bytes == 20_971_520
        assert application.uploads.content_types == configuration.limits.content_types

    asyncio.run(run())


def test_uploads_have_the_limits_of_the_analyzer() -> None:
    limits = {
        name: composition.create_configuration(Settings.load(ENVIRONMENT | {"IMAGE_API_ANALYZER": name})).limits
        for name in ("image-analysis", "foundry-vision")
    }
    assert as_json(limits["image-analysis"]) == {
        "maxBytes": 20_971_520,
        "minSide": 50,
        "maxSide": 16_000,
        "formats": ["JPEG", "PNG", "GIF", "BMP", "WEBP", "ICO", "TIFF", "MPO"],
        "contentTypes": [
            "image/jpeg",
            "image/png",
            "image/gif",
            "image/bmp",
            "image/webp",
            "image/vnd.microsoft.icon",
            "image/tiff",
        ],
    }
    assert as_json(limits["foundry-vision"]) == {
        "maxBytes": 20_971_520,
        "minSide": 1,
        "maxSide": 16_000,
        "formats": ["JPEG", "MPO", "PNG", "GIF", "WEBP"],
        "contentTypes": ["image/jpeg", "image/png", "image/gif", "image/webp"],
    }
    with pytest.raises(SettingsError, match="IMAGE_API_ANALYZER is 'nobody', and there is no such analyzer"):
        create_application(Settings.load(ENVIRONMENT | {"IMAGE_API_ANALYZER": "nobody"}))
