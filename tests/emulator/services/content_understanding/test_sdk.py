"""Microsoft's own client against the emulated service: definitions, long-running analyses and their results."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import pytest
from azure.ai.contentunderstanding.aio import ContentUnderstandingClient
from azure.ai.contentunderstanding.models import DocumentContent
from azure.core.credentials import AccessToken
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError
from azure.core.pipeline.transport import AioHttpTransport

from tests.emulator.services.content_understanding.support import DEFINITION, Account, Service, picture

HOST = "f.services.ai.azure.com"
DEFAULTS = {"gpt-5.4-mini": "vision"}


class Credential:
    """The credential of the caller of a test."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        self._token = headers["Authorization"].removeprefix("Bearer ")

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        assert scopes == ("https://cognitiveservices.azure.com/.default",)
        return AccessToken(self._token, 4_000_000_000)

    async def close(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


class Transport(AioHttpTransport):
    """Sends the requests of the client to the emulated account; the pauses of its pollers move the account's clock."""

    def __init__(self, account: Account) -> None:
        super().__init__()
        self._account = account

    async def send(self, request: Any, **options: Any) -> Any:
        address = request.url
        url = urlsplit(address)
        assert url.hostname == HOST
        request.headers["Host"] = HOST
        request.url = str(self._account.client.make_url(url.path)) + f"?{url.query}"
        try:
            return await super().send(request, **options)
        finally:
            # Pollers take their next address from the request.
            request.url = address

    async def sleep(self, duration: float) -> None:
        self._account.clock.now += duration


def call[Result](
    service: Service,
    use: Callable[[ContentUnderstandingClient], Awaitable[Result]],
    headers: Mapping[str, str] | None = None,
) -> Result:
    """The result of what is done with a client; by the deployer, unless there are other headers."""

    async def run(account: Account) -> Result:
        credential: Any = Credential(account.headers)
        # Without retries: an error is the service's first answer.
        client = ContentUnderstandingClient(f"https://{HOST}", credential, transport=Transport(account), retry_total=0)
        async with client:
            return await use(client)

    return service.run(run, headers=headers)


async def define(client: ContentUnderstandingClient) -> Any:
    """Set the model's deployment, and define an analyzer."""
    await client.update_defaults(model_deployments=DEFAULTS)
    poller = await client.begin_create_analyzer("mine", DEFINITION)
    return await poller.result()


def test_defaults_and_definitions(service: Service) -> None:
    async def use(client: ContentUnderstandingClient) -> None:
        created = await define(client)
        assert (created.analyzer_id, created.status) == ("mine", "ready")
        defaults = await client.get_defaults()
        assert defaults.model_deployments == DEFAULTS
        stored = await client.get_analyzer("mine")
        assert stored.base_analyzer_id == "prebuilt-image"
        assert stored.models == {"completion": "gpt-5.4-mini"}
        assert stored.field_schema is not None
        assert {name: field.method for name, field in stored.field_schema.fields.items()} == {
            "caption": "generate",
            "tags": "generate",
            "category": "classify",
        }
        prebuilt = await client.get_analyzer("prebuilt-image")
        assert prebuilt.supported_models is not None
        assert prebuilt.supported_models.completion is not None
        assert "gpt-5.4-mini" in prebuilt.supported_models.completion
        await client.delete_analyzer("mine")
        with pytest.raises(ResourceNotFoundError):
            await client.get_analyzer("mine")

    call(service, use)


def test_an_analysis_by_the_defined_analyzer(service: Service, reader: Mapping[str, str]) -> None:
    call(service, define)

    async def use(client: ContentUnderstandingClient) -> None:
        poller = await client.begin_analyze_binary("mine", picture())
        assert poller.operation_id
        result = await poller.result()
        (content,) = result.contents
        assert content.fields is not None
        assert content.fields["caption"].value == "template: a cat"
        assert [tag.value for tag in content.fields["tags"].value] == ["cat", "animal"]
        assert content.fields["category"].value == "animal"
        assert {field.confidence for field in content.fields.values()} == {None}

    call(service, use, reader)


def test_the_text_of_an_image(service: Service, reader: Mapping[str, str]) -> None:
    async def use(client: ContentUnderstandingClient) -> None:
        poller = await client.begin_analyze_binary("prebuilt-read", picture())
        (content,) = (await poller.result()).contents
        assert isinstance(content, DocumentContent)
        assert content.pages is not None
        (page,) = content.pages
        assert page.lines is not None
        assert page.words is not None
        assert [line.content for line in page.lines] == ["HELLO BIG CAT", "BYE"]
        assert [word.confidence for word in page.words[:3]] == [0.9, 0.8, 0.7]

    call(service, use, reader)


def test_the_reader_may_not_define_an_analyzer(service: Service, reader: Mapping[str, str]) -> None:
    async def use(client: ContentUnderstandingClient) -> int | None:
        with pytest.raises(HttpResponseError) as refusal:
            await client.begin_create_analyzer("mine", DEFINITION)
        return refusal.value.status_code

    assert call(service, use, reader) == 401
