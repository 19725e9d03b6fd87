"""Who reaches a service whose public endpoint is off: callers in a network with a private endpoint and its record."""

import asyncio
import base64
import json
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from emulator.core.faults import Faults
from emulator.core.identity import USER_OBJECT_ID, Identities
from emulator.core.resource_store import Resource, ResourceStore
from emulator.core.virtual_networks import ASSOCIATION_LINK, ORIGIN_NETWORK, has_private_path, trusts_azure_services
from emulator.gateway.proxy import ConnectionOrigins, Proxy
from emulator.gateway.router import Handler, create_application, service_of
from emulator.services.ai_services import create_ai_handlers
from emulator.services.content_understanding.analyzer_store import AnalyzerStore
from emulator.services.cosmos.handler import CosmosHandler
from emulator.services.cosmos.items.store import ItemStore
from emulator.services.event_grid.handler import TopicHandler
from emulator.services.functions.packages import PackageError, Packages
from emulator.services.resource_manager.handler import ResourceManagerHandler
from emulator.services.storage.handler import StorageHandler
from emulator.services.storage.user_delegation import UserDelegationKeys
from emulator.services.vision.handler import VisionHandler
from tests.emulator.conftest import ACCOUNT, READER, Deployment
from tests.emulator.provider.test_network_rules import (
    BLOB_ZONE,
    NETWORK,
    VNET,
    endpoint,
    link,
    network,
    site,
    zone_group,
)
from tests.emulator.provider.test_server import SITE
from tests.emulator.support import Azurite, PublishedEvents

__all__ = ["network"]
ZONES = {
    "blob": BLOB_ZONE,
    "Sql": "privatelink.documents.azure.com",
    "account": "privatelink.cognitiveservices.azure.com",
    "topic": "privatelink.eventgrid.azure.net",
}
Answer = tuple[int, str]


class Inside(ConnectionOrigins):
    """Every connection comes from the network."""

    def network_of(self, port: int) -> str | None:
        return NETWORK


def connect(network: Deployment, target: Resource, group: str) -> None:
    """A private endpoint with its record in a zone that is linked to the network."""
    zone = ZONES[group]
    if network.resources.find_by_name("privatedns:PrivateZone", zone) is None:
        network.add("privatedns:PrivateZone", privateZoneName=zone, resourceGroupName="rg", location="global")
    network.add("network:PrivateEndpoint", **endpoint(target.id, group))
    network.add("network:PrivateDnsZoneGroup", **zone_group(zone, group=group))
    network.add("privatedns:VirtualNetworkLink", **link(zone=zone))


def close(network: Deployment, target: Resource, **more: Any) -> Resource:
    """The same resource with its public endpoint switched off."""
    private_account = replace(target, inputs=target.inputs | more)
    network.resources.put(private_account)
    return private_account


def call(
    handlers: Mapping[str, Handler],
    origins: ConnectionOrigins,
    host: str,
    method: str,
    path: str,
    headers: dict[str, str],
) -> Answer:
    async def conversation() -> Answer:
        async with (
            TestClient(TestServer(create_application(handlers, origins))) as client,
            client.request(method, path, headers={"Host": host} | headers) as response,
        ):
            return response.status, await response.text()

    return asyncio.run(conversation())


def bearer(identities: Identities, principal: str, audience: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {identities.issue_token(principal, audience)[0]}"}


@pytest.fixture
def private_account(network: Deployment) -> Resource:
    account = network.resources.get(ACCOUNT)
    assert account is not None
    return close(network, account, publicNetworkAccess="Disabled", networkRuleSet={"defaultAction": "Deny"})


@pytest.mark.parametrize(
    "rules",
    [
        {"publicNetworkAccess": "Disabled"},
        {"publicNetworkAccess": "Enabled", "networkRuleSet": {"defaultAction": "Deny"}},
    ],
)
def test_closed_storage_is_reached_by_its_private_endpoint_only(
    network: Deployment, identities: Identities, rules: dict[str, Any]
) -> None:
    account = network.resources.get(ACCOUNT)
    assert account is not None
    close(network, account, **rules)
    network.assign_role("alice", READER, ACCOUNT)
    common: dict[str, Any] = {
        "resources": network.resources,
        "identities": identities,
        "azurite_client": Azurite(),
        "publish_event": PublishedEvents().publish,
        "faults": Faults(Path("none")),
        "delegation_keys": UserDelegationKeys(b"secret"),
    }
    handlers = {f"{kind}.core.windows.net": StorageHandler(kind, **common).handle for kind in ("blob", "queue")}

    def read(origins: ConnectionOrigins) -> Answer:
        token = bearer(identities, "alice", "https://storage.azure.com")
        return call(handlers, origins, "stdata.blob.core.windows.net", "GET", "/images/a.png", token)

    assert read(Inside())[0] == 403
    connect(network, account, "blob")
    assert read(Inside()) == (200, "cat")
    status, text = read(ConnectionOrigins())
    assert status == 403
    assert "<Code>AuthorizationFailure</Code>" in text
    # The endpoint leads to blobs, and not to queues.
    token = bearer(identities, "alice", "https://storage.azure.com")
    assert call(handlers, Inside(), "stdata.queue.core.windows.net", "GET", "/images/messages", token)[0] == 403


def test_closed_cosmos_db_is_reached_by_its_private_endpoint_only(
    network: Deployment, identities: Identities, tmp_path: Path
) -> None:
    account = network.add(
        "cosmosdb:DatabaseAccount",
        resourceGroupName="rg",
        accountName="c",
        location="x",
        publicNetworkAccess="Disabled",
    )
    connect(network, account, "Sql")
    with (
        closing(ItemStore(tmp_path / "cosmos.db")) as store,
        CosmosHandler(network.resources, identities, store, Faults(Path("none"))) as cosmos,
    ):
        handlers = {"documents.azure.com": cosmos.handle}
        outside = call(handlers, ConnectionOrigins(), "c.documents.azure.com", "GET", "/", {})
        assert outside[0] == 403
        assert "blocked by your Cosmos DB account firewall settings" in outside[1]
        assert call(handlers, Inside(), "c.documents.azure.com", "GET", "/", {})[0] == 401


def test_a_closed_vision_account_is_reached_by_its_private_endpoint_only(
    network: Deployment, identities: Identities
) -> None:
    account = network.add(
        "cognitiveservices:Account",
        accountName="v",
        resourceGroupName="rg",
        location="x",
        kind="ComputerVision",
        properties={"customSubDomainName": "v", "publicNetworkAccess": "Disabled"},
    )
    connect(network, account, "account")
    vision = VisionHandler(network.resources, identities, None, "", Faults(Path("none")))  # type: ignore[arg-type]
    handlers: dict[str, Handler] = {"cognitiveservices.azure.com": vision.handle}
    outside = call(handlers, ConnectionOrigins(), "v.cognitiveservices.azure.com", "POST", "/", {})
    assert outside[0] == 403
    assert "Public access is disabled. Please configure private endpoint." in outside[1]
    assert call(handlers, Inside(), "v.cognitiveservices.azure.com", "POST", "/", {})[0] == 401


@pytest.mark.parametrize("domain", ["openai.azure.com", "services.ai.azure.com"])
def test_a_closed_foundry_account_is_reached_by_the_zone_of_each_service_only(
    network: Deployment, identities: Identities, tmp_path: Path, domain: str
) -> None:
    account = network.add(
        "cognitiveservices:Account",
        accountName="f",
        resourceGroupName="rg",
        location="x",
        kind="AIServices",
        properties={"customSubDomainName": "f", "publicNetworkAccess": "Disabled"},
    )
    analyzers = AnalyzerStore(tmp_path / "analyzers.db")
    services = network.resources, identities, None, "", Faults(Path("none"))
    handlers = create_ai_handlers(*services, analyzers=analyzers)  # type: ignore[arg-type]

    def status(origins: ConnectionOrigins) -> int:
        return int(call(handlers, origins, f"f.{domain}", "POST", "/", {})[0])

    connect(network, account, "account")
    assert (status(ConnectionOrigins()), status(Inside())) == (403, 403)
    zone = f"privatelink.{domain}"
    network.add("privatedns:PrivateZone", privateZoneName=zone, resourceGroupName="rg", location="global")
    network.add("network:PrivateDnsZoneGroup", **zone_group(zone, group="account"))
    network.add("privatedns:VirtualNetworkLink", **link(zone=zone))
    assert (status(ConnectionOrigins()), status(Inside())) == (403, 401)
    analyzers.close()


def test_a_closed_topic_is_reached_by_its_private_endpoint_only(
    network: Deployment, identities: Identities, tmp_path: Path
) -> None:
    topic = network.add(
        "eventgrid:Topic",
        resourceGroupName="rg",
        topicName="t",
        location="northeurope",
        disableLocalAuth=True,
        inputSchema="CloudEventSchemaV1_0",
        publicNetworkAccess="Disabled",
    )
    connect(network, topic, "topic")
    with closing(TopicHandler(tmp_path / "topics.db", network.resources, identities, Faults(Path("none")))) as topics:
        handlers: dict[str, Handler] = {"eventgrid.azure.net": topics.handle}
        host = "t.northeurope-1.eventgrid.azure.net"
        outside = call(handlers, ConnectionOrigins(), host, "POST", "/api/events", {})
        assert outside[0] == 403
        assert "rejected due to IpAddress filtering rules" in outside[1]
        assert call(handlers, Inside(), host, "POST", "/api/events", {})[0] == 401


@pytest.mark.parametrize(
    "missing", ["network:PrivateEndpoint", "network:PrivateDnsZoneGroup", "privatedns:VirtualNetworkLink"]
)
def test_a_private_path_needs_endpoint_record_and_link(
    network: Deployment, private_account: Resource, missing: str
) -> None:
    connect(network, private_account, "blob")
    assert has_private_path(network.resources, NETWORK, private_account, "blob")
    assert not has_private_path(network.resources, NETWORK, private_account, "queue")
    for resource in network.resources.of_type(missing):
        network.resources.remove(resource.id)
    assert not has_private_path(network.resources, NETWORK, private_account, "blob")


def test_an_endpoint_serves_its_own_network(network: Deployment, private_account: Resource) -> None:
    connect(network, private_account, "blob")
    other = network.add("network:VirtualNetwork", **VNET | {"virtualNetworkName": "other"})
    assert not has_private_path(network.resources, other.id, private_account, "blob")


@pytest.mark.parametrize(
    ("rules", "trusted"),
    [
        ({"publicNetworkAccess": "Enabled"}, True),
        (
            {"publicNetworkAccess": "Disabled", "networkRuleSet": {"defaultAction": "Deny", "bypass": "AzureServices"}},
            True,
        ),
        ({"publicNetworkAccess": "Disabled", "networkRuleSet": {"defaultAction": "Deny", "bypass": "None"}}, False),
    ],
)
def test_trusted_services_pass_by_the_bypass_alone(network: Deployment, rules: dict[str, Any], trusted: bool) -> None:
    account = network.resources.get(ACCOUNT)
    assert account is not None
    assert trusts_azure_services(close(network, account, **rules)) is trusted


def proxied(resources: ResourceStore, network_name: str) -> Answer:
    """What a request through the proxy sees of where it comes from; the answer is the proxy's own if that refuses."""

    async def origin(request: web.Request) -> web.Response:
        return web.Response(text=request.get(ORIGIN_NETWORK, "the internet"))

    async def conversation() -> Answer:
        origins = ConnectionOrigins()
        async with TestServer(create_application({"blob.core.windows.net": origin}, origins)) as gateway:
            assert gateway.port is not None
            proxy = Proxy(gateway.port, lambda host: service_of(host) is not None, resources, origins)
            server, port = await proxy.start()
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            credentials = base64.b64encode(f"{network_name}:inside".encode()).decode()
            header = f"Proxy-Authorization: Basic {credentials}\r\n" if network_name else ""
            writer.write(f"CONNECT stdata.blob.core.windows.net:443 HTTP/1.1\r\n{header}\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            if " 200 " in head:
                request = "GET / HTTP/1.1\r\nHost: stdata.blob.core.windows.net\r\nConnection: close\r\n\r\n"
                writer.write(request.encode())
            text = (await reader.read()).decode() if " 200 " in head else head
            writer.close()
            server.close()
            return int(text.split()[1]), text.rpartition("\r\n\r\n")[2]

    return asyncio.run(conversation())


def test_a_client_names_its_network_to_the_proxy(network: Deployment) -> None:
    assert proxied(network.resources, "vnet") == (200, NETWORK)
    assert proxied(network.resources, "") == (200, "the internet")
    assert proxied(network.resources, "none")[0] == 502


def test_a_deployer_reads_what_holds_a_subnet(network: Deployment, identities: Identities) -> None:
    handler = ResourceManagerHandler(network.resources, identities, None)  # type: ignore[arg-type]
    handlers: dict[str, Handler] = {"management.azure.com": handler.handle}

    def read(subnet: str, principal: str = USER_OBJECT_ID) -> tuple[int, Any]:
        token = bearer(identities, principal, "https://management.azure.com")
        path = f"{NETWORK}/subnets/{subnet}?api-version=2024-05-01"
        status, text = call(handlers, ConnectionOrigins(), "management.azure.com", "GET", path, token)
        return status, json.loads(text).get("properties", {}).get("serviceAssociationLinks")

    app = network.add("web:WebApp", **site())
    ((link_id,),) = [[link["id"] for link in read("app")[1]]]
    assert link_id == f"{NETWORK}/subnets/app/serviceAssociationLinks/legionservicelink"
    network.resources.remove(app.id)
    network.resources.put(Resource(id=link_id, type=ASSOCIATION_LINK, inputs={"until": 0}, outputs={}))
    assert read("app") == (200, [])
    assert read("none")[0] == 404
    assert read("app", "stranger")[0] == 403


def test_an_app_reaches_its_package_through_its_network_only(network: Deployment, private_account: Resource) -> None:
    identity = network.add(
        "managedidentity:UserAssignedIdentity", resourceName="id", resourceGroupName="rg", location="x"
    )
    package = {
        "type": "blobContainer",
        "value": "https://stdata.blob.core.windows.net/packages",
        "authentication": {"type": "UserAssignedIdentity", "userAssignedIdentityResourceId": identity.id},
    }
    packages = Packages(network.resources, azurite_client=None)  # type: ignore[arg-type]

    def refusal(**more: Any) -> str:
        app = network.add("web:WebApp", **SITE | {"functionAppConfig": {"deployment": {"storage": package}}} | more)
        with pytest.raises(PackageError) as raised:
            asyncio.run(packages.read(app))
        return str(raised.value)

    integrated = {"virtualNetworkSubnetId": f"{NETWORK}/subnets/app"}
    assert "does not reach https://stdata.blob.core.windows.net/packages" in refusal(**integrated)
    connect(network, private_account, "blob")
    assert "may not read from" in refusal(**integrated)
    assert "does not reach" in refusal()
