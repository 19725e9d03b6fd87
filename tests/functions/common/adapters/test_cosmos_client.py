"""The Cosmos DB client after a failover: the SDK's own choice of regions, with the account's regions given to it."""

import asyncio
from typing import Any

import pytest
from azure.core.credentials import AccessToken
from azure.cosmos.aio import CosmosClient
from azure.cosmos.documents import DatabaseAccount
from common.adapters.azure_clients import AzureClients, create_transport
from common.adapters.cosmos import create_cosmos_client, write_region

ENDPOINT = "https://db.documents.azure.com:443/"
NORTH, WEST = "https://db-northeurope.documents.azure.com:443/", "https://db-westeurope.documents.azure.com:443/"


class Credential:
    async def get_token(self, *_scopes: str, **_: Any) -> AccessToken:
        raise AssertionError("no service is called")

    async def close(self) -> None: ...

    async def __aexit__(self, *_: object) -> None: ...


def account(*regions: tuple[str, str]) -> DatabaseAccount:
    """The account's metadata; the first region is the write region."""
    locations = [{"name": name, "databaseAccountEndpoint": endpoint} for name, endpoint in regions]
    metadata = DatabaseAccount()
    metadata._WritableLocations = locations[:1]
    metadata._ReadableLocations = locations
    return metadata


def regions_of(client: CosmosClient, *states: DatabaseAccount) -> list[tuple[str, str]]:
    """Where the client writes and reads after each of these states of the account."""
    manager: Any = client.client_connection._global_endpoint_manager
    regions: list[tuple[str, str]] = []
    for state in states:
        manager.location_cache.perform_on_database_account_read(state)
        read = manager.location_cache.read_regional_routing_contexts[0].get_primary()
        regions.append((write_region(client), read))
    return regions


async def _after_a_failover(**changes: Any) -> list[tuple[str, str]]:
    azure = AzureClients(credential=Credential(), transport=create_transport())  # type: ignore[arg-type]
    client = create_cosmos_client(ENDPOINT, azure)
    for name, value in changes.items():
        setattr(client.client_connection.connection_policy, name, value)
    try:
        return regions_of(
            client,
            account(("North Europe", NORTH), ("West Europe", WEST)),
            account(("West Europe", WEST), ("North Europe", NORTH)),
        )
    finally:
        await azure.transport.session.close()  # type: ignore[attr-defined]


def test_reads_follow_the_write_region(caplog: pytest.LogCaptureFixture) -> None:
    assert asyncio.run(_after_a_failover()) == [
        ("db-northeurope.documents.azure.com", NORTH),
        ("db-westeurope.documents.azure.com", WEST),
    ]
    assert len([record for record in caplog.records if "preferred_locations" in record.getMessage()]) == 1


def test_without_preferred_locations_reads_would_stay() -> None:
    """Why there is one that no account has; if this fails, the SDK follows by itself."""
    (_, after) = asyncio.run(_after_a_failover(PreferredLocations=[]))
    assert after == ("db-westeurope.documents.azure.com", NORTH)
