"""Custom topics, the front door's names, and the keys that tokens are checked with."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from emulator.core.faults import Faults
from emulator.core.identity import Identities
from emulator.core.pki import HOSTS
from emulator.core.resource_store import ResourceStore
from emulator.core.tenant import TENANT_ID
from emulator.gateway.router import service_of
from emulator.provider import unsupported, validation
from emulator.services.event_grid.handler import TopicHandler
from schemas.azure_native.resource_types import RESOURCE_TYPES
from tests.emulator.conftest import GROUP, Deployment

APP = "app-principal"
SENDER = "d5a91429-5739-47e2-a06b-3470a27159e7"
EVENT = {"id": "1", "source": "/acct/images", "type": "ImageClassified", "specversion": "1.0"}
BATCH = "application/cloudevents-batch+json"


@pytest.fixture
def topics(
    tmp_path: Path, resources: ResourceStore, identities: Identities, deployment: Deployment
) -> Iterator[TopicHandler]:
    deployment.add("resources:ResourceGroup", resourceGroupName="rg", location="x")
    topic = deployment.add(
        "eventgrid:Topic",
        resourceGroupName="rg",
        topicName="told",
        location="northeurope",
        disableLocalAuth=True,
        inputSchema="CloudEventSchemaV1_0",
    )
    deployment.assign_role(APP, SENDER, topic.id)
    handler = TopicHandler(tmp_path / "topics.db", resources, identities, Faults(tmp_path / "none"))
    yield handler
    handler.close()


def request_status(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]], method: str, path: str, **more: Any
) -> int:
    async def run() -> int:
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", handler)
        async with TestClient(TestServer(application)) as client, client.request(method, path, **more) as answer:
            return answer.status

    return asyncio.run(run())


def publish(topics: TopicHandler, token: str, body: Any = None, **headers: str) -> int:
    default_headers = {
        "Host": "told.northeurope-1.eventgrid.azure.net",
        "Authorization": f"Bearer {token}",
        "Content-Type": BATCH,
    }
    return request_status(
        topics.handle,
        "POST",
        "/api/events",
        headers=default_headers | headers,
        data=json.dumps([EVENT] if body is None else body),
    )


def published(topics: TopicHandler) -> int:
    return topics._database.execute("SELECT COUNT(*) FROM published").fetchone()[0]


def test_a_sender_publishes(topics: TopicHandler, identities: Identities) -> None:
    token, _ = identities.issue_token(APP, "https://eventgrid.azure.net")
    assert publish(topics, token) == 200
    assert published(topics) == 1


@pytest.mark.parametrize(
    ("principal", "audience", "more", "status"),
    [
        ("stranger", "https://eventgrid.azure.net", {}, 403),
        (APP, "https://storage.azure.com", {}, 401),
        (APP, "https://eventgrid.azure.net", {"Host": "other.northeurope-1.eventgrid.azure.net"}, 404),
        (APP, "https://eventgrid.azure.net", {"Content-Type": "application/json"}, 501),
        (APP, "https://eventgrid.azure.net", {"body": [{"id": "1"}]}, 400),
        (APP, "https://eventgrid.azure.net", {"body": {"not": "a list"}}, 400),
    ],
)
def test_whatever_is_wrong_is_refused_and_nothing_is_kept(
    topics: TopicHandler, identities: Identities, principal: str, audience: str, more: dict[str, Any], status: int
) -> None:
    token, _ = identities.issue_token(principal, audience)
    assert publish(topics, token, **more) == status
    assert published(topics) == 0


@pytest.mark.parametrize(
    ("host", "service"),
    [
        ("told.northeurope-1.eventgrid.azure.net", "eventgrid.azure.net"),
        ("app.azurewebsites.net:443", "azurewebsites.net"),
        ("app.scm.azurewebsites.net", "scm.azurewebsites.net"),
        ("login.microsoftonline.com", "login.microsoftonline.com"),
        ("evil.example.com", None),
        ("a.b.blob.core.windows.net", None),
    ],
)
def test_a_host_leads_to_its_service(host: str, service: str | None) -> None:
    assert service_of(host) == service


def test_the_certificate_has_every_topics_name() -> None:
    assert "*.northeurope-1.eventgrid.azure.net" in HOSTS


def test_tokens_can_be_checked_with_the_keys_that_are_published(identities: Identities) -> None:
    token, _ = identities.issue_token("me", "https://storage.azure.com")
    key = jwt.PyJWKSet.from_dict(identities.signing_keys())[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, algorithms=["RS256"], audience="https://storage.azure.com")
    assert (claims["oid"], claims["iss"]) == ("me", f"https://sts.windows.net/{TENANT_ID}/")


def test_a_role_of_a_service_that_the_emulator_lacks_can_be_previewed_only(deployment: Deployment) -> None:
    resource_type = RESOURCE_TYPES["azure-native:authorization:RoleDefinition"]
    action = "Microsoft.CognitiveServices/accounts/CustomVision/classify/iterations/image/nostore/action"
    inputs = {
        "scope": GROUP,
        "roleDefinitionId": "00000000-0000-4000-8000-000000000001",
        "roleName": "r",
        "assignableScopes": [GROUP],
        "permissions": [{"actions": [], "dataActions": [action]}],
    }
    assert [*validation.check_inputs(resource_type, inputs)] == []
    assert [*unsupported.find_unsupported_inputs(resource_type, inputs)] == [
        ("permissions.dataActions", f"the emulator has no service for {action}")
    ]
