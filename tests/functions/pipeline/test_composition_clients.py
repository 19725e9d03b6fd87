"""The composition: endpoints, credentials, timeouts and settings of every client."""

import asyncio
import json
import ssl
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.eventgrid import aio as eventgrid
from azure.storage.blob.aio import ContainerClient
from classifier import composition
from classifier.adapters.image_headers import read_header
from classifier.analyzers.custom_vision import CustomVision
from classifier.analyzers.image_analysis import ImageAnalysis
from classifier.composition import Application, create_application
from classifier.settings import Settings
from common.adapters import cosmos as cosmos_adapter
from common.adapters.azure_clients import AzureClients, create_transport

from tests.functions.pipeline.test_settings import ENVIRONMENT
from tests.support.fake_vision_service import CUSTOM, OPTIONS

HOSTS = {
    "PIPELINE_BLOB_ENDPOINT": "https://acct.blob.core.windows.net/",
    "PIPELINE_QUEUE_ENDPOINT": "https://acct.queue.core.windows.net/",
    "PIPELINE_COSMOS_ENDPOINT": "https://db.documents.azure.com:443/",
    "PIPELINE_RESULTS_ENDPOINT": "https://topic.westeurope-1.eventgrid.azure.net/api/events",
}


def settings(**changes: str) -> Settings:
    options = CUSTOM if changes.get("PIPELINE_ANALYZER") == "custom-vision" else OPTIONS
    environment = (
        ENVIRONMENT
        | HOSTS
        | {
            "PIPELINE_ANALYZER_OPTIONS": json.dumps(options),
            "PIPELINE_FEATURES": '["tags"]',
        }
        | changes
    )
    return Settings.load(environment)


class Credential:
    """A fake managed identity that records its arguments."""

    def __init__(self, **arguments: str) -> None:
        self.arguments = arguments

    async def get_token(self, *_scopes: str, **_: Any) -> AccessToken:
        raise AssertionError("no service is called while the application is created")

    async def close(self) -> None: ...


class Composition:
    """An app, and the arguments that its clients were made with."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, app_settings: Settings) -> None:
        self.arguments: dict[str, list[tuple[tuple[Any, ...], dict[str, Any]]]] = {}
        monkeypatch.setattr(cosmos_adapter, "CosmosClient", self._noted("CosmosClient", cosmos_adapter.CosmosClient))
        for name, kind in (
            ("EventGridPublisherClient", eventgrid.EventGridPublisherClient),
            ("ContainerClient", ContainerClient),
            ("create_image_container_client", composition.create_image_container_client),
            ("ManagedIdentityCredential", Credential),
        ):
            monkeypatch.setattr(composition, name, self._noted(name, kind))
        self.app = asyncio.run(self._create_application(app_settings))

    def _noted(self, name: str, make: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*positional: Any, **named: Any) -> Any:
            self.arguments.setdefault(name, []).append((positional, named))
            return make(*positional, **named)

        return noted

    async def _create_application(self, app_settings: Settings) -> Application:
        app = create_application(app_settings, last_attempt=5)
        self.transport = self.only("create_image_container_client")[1]["transport"]
        await self.transport.session.close()
        return app

    def only(self, name: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
        ((positional, named),) = self.arguments[name]
        return positional, named


def test_every_client_acts_as_the_apps_identity_over_one_pool_of_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    composition = Composition(monkeypatch, settings())
    credential = composition.app.images_queue._client.credential
    assert credential.arguments == {"client_id": "client"}
    for name in ("CosmosClient", "EventGridPublisherClient", "ContainerClient", "create_image_container_client"):
        for _, named in composition.arguments[name]:
            assert named["credential"] is credential
            assert named["transport"] is composition.transport


@pytest.mark.parametrize("has_shadow", [True, False])
def test_the_poison_queues_of_images_and_shadow_can_be_redriven(
    monkeypatch: pytest.MonkeyPatch, *, has_shadow: bool
) -> None:
    app = Composition(monkeypatch, settings(**({} if has_shadow else {"PIPELINE_SHADOW_QUEUE": ""}))).app
    urls: dict[str, list[str]] = {}
    for name in ("images", "shadow", "other"):
        queues: Any = app.redrive_queues(name)
        if queues is not None:
            urls[name] = [queue._client.url.removeprefix("https://acct.queue.core.windows.net/") for queue in queues]
    expected = {"images": ["images-queue-poison", "images-queue"]}
    if has_shadow:
        expected["shadow"] = ["images-shadow-poison", "images-shadow"]
    assert urls == expected


def test_each_part_has_its_own_container_and_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    composition = Composition(monkeypatch, settings())
    pipeline: Any = composition.app.pipeline
    reconciler: Any = composition.app.reconciler
    assert pipeline._images._client.url == "https://acct.blob.core.windows.net/images"
    assert pipeline._image_copies._client.url == "https://acct.blob.core.windows.net/classified"
    assert reconciler._dead_letters._client.url == "https://acct.blob.core.windows.net/deadletters"
    assert composition.app.images_queue._client.url == "https://acct.queue.core.windows.net/images-queue"
    assert composition.app.poison_queue._client.url == "https://acct.queue.core.windows.net/images-queue-poison"
    assert (pipeline._queue, pipeline._poison_queue) == (composition.app.images_queue, composition.app.poison_queue)
    assert (reconciler._queue, reconciler._poison_queue) == (composition.app.images_queue, composition.app.poison_queue)
    records, analyses = pipeline._record_writer._records, pipeline._classifier._cached_analyzer._analyses
    assert records._container._container.container_link == "dbs/pipeline/colls/image-records"
    assert analyses._container._container.container_link == "dbs/pipeline/colls/analyses"
    assert reconciler._checkpoints._container is analyses._container
    assert reconciler._records is records
    counts: Any = composition.app.record_counter
    assert counts._counts._container.container_link == "dbs/pipeline/colls/image-records"
    assert reconciler._images is pipeline._images
    assert reconciler._analyzer is pipeline._classifier._analyzer


def test_the_pipeline_has_the_settings_of_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline: Any = Composition(monkeypatch, settings()).app.pipeline
    assert (pipeline._classifier._min_confidence, pipeline._max_retry_age) == (0.25, timedelta(minutes=30))
    assert (pipeline._last_attempt, pipeline._time_limit) == (5, asyncio.timeout)
    assert pipeline._classifier._read_header is read_header


@pytest.mark.parametrize(("trigger", "minutes"), [("events", 30), ("schedule", 2)])
def test_without_events_a_blob_is_looked_up_sooner(monkeypatch: pytest.MonkeyPatch, trigger: str, minutes: int) -> None:
    composition = Composition(monkeypatch, settings(PIPELINE_TRIGGER=trigger))
    assert composition.app.reconciler._grace == timedelta(minutes=minutes)


def test_cosmos_db_and_the_topic_are_not_waited_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    composition = Composition(monkeypatch, settings())
    positional, named = composition.only("CosmosClient")
    assert positional == ("https://db.documents.azure.com:443/",)
    assert {name: value for name, value in named.items() if name not in {"credential", "transport"}} == {
        "connection_timeout": 5,
        "read_timeout": 30,
        "retry_total": 3,
        "retry_backoff_max": 5,
        "no_response_on_write": True,
        "preferred_locations": ["write region"],
    }
    positional, named = composition.only("EventGridPublisherClient")
    assert positional == ("https://topic.westeurope-1.eventgrid.azure.net/api/events",)
    assert named["retry_total"] == 0


def test_cosmos_db_has_one_breaker_for_all_its_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline: Any = Composition(monkeypatch, settings()).app.pipeline
    boundary = pipeline._record_writer._records._container._boundary
    assert pipeline._classifier._cached_analyzer._analyses._container._boundary is boundary
    assert (boundary._service, boundary._breaker._service) == ("Cosmos DB", "Cosmos DB")


def test_what_is_not_configured_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    composition = Composition(monkeypatch, settings(PIPELINE_CLASSIFIED_CONTAINER="", PIPELINE_RESULTS_ENDPOINT=""))
    pipeline: Any = composition.app.pipeline
    assert (pipeline._image_copies, pipeline._result_publisher, pipeline._record_writer._image_copies) == (
        None,
        None,
        None,
    )
    assert "EventGridPublisherClient" not in composition.arguments
    with_both: Any = Composition(monkeypatch, settings()).app.pipeline
    assert with_both._result_publisher._client is not None
    assert with_both._record_writer._image_copies is with_both._image_copies


def test_tokens_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    validator = Composition(monkeypatch, settings()).app.token_validator
    assert (validator._tenant_id, validator._client_id) == ("tenant", "api-client")


@pytest.mark.parametrize(("name", "kind"), [("image-analysis", ImageAnalysis), ("custom-vision", CustomVision)])
def test_each_analyzer_is_built_with_its_options_and_features(
    monkeypatch: pytest.MonkeyPatch, name: str, kind: type[ImageAnalysis | CustomVision]
) -> None:
    analyzer: Any = Composition(monkeypatch, settings(PIPELINE_ANALYZER=name)).app.pipeline._classifier._analyzer
    assert type(analyzer) is kind
    assert analyzer.features == ("tags",)


def test_connections_keep_no_cookies_and_leave_content_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(urllib.request, "getproxies", lambda: {"https": "http://proxy:3128", "http": "http://other"})

    async def run() -> None:
        transport: Any = create_transport()
        session = transport.session
        assert type(session.cookie_jar).__name__ == "DummyCookieJar"
        assert session.auto_decompress is False
        assert str(session._default_proxy) == "http://proxy:3128"
        assert session.connector.limit == 0
        assert session.connector._ssl.verify_mode is ssl.CERT_REQUIRED
        assert session.connector._ssl.check_hostname is True
        assert transport._session_owner is False
        await session.close()

    asyncio.run(run())


def test_a_request_is_given_the_policies_that_it_needs_and_no_others() -> None:
    azure = AzureClients(credential=Credential(), transport=None)  # type: ignore[arg-type]
    agent, retry, bearer = azure.policies("https://service/.default", retry_total=4)
    assert type(agent).__name__ == "UserAgentPolicy"
    assert (type(retry).__name__, retry.total_retries) == ("AsyncRetryPolicy", 4)
    assert (type(bearer).__name__, bearer._scopes) == (
        "AsyncBearerTokenCredentialPolicy",
        ("https://service/.default",),
    )
    assert azure.client_options == {"credential": azure.credential, "transport": None}
