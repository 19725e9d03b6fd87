"""Cosmos DB over HTTP: ETags, partition keys, roles, and what is refused."""

import json
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from emulator.core.faults import Faults
from emulator.core.identity import Identities
from emulator.services.cosmos.handler import CosmosHandler
from emulator.services.cosmos.store import ItemStore
from tests.emulator.conftest import Deployment
from tests.emulator.support import Answer, send_request


@pytest.fixture
def cosmos(deployment: Deployment, identities: Identities, tmp_path: Path) -> Any:
    deployment.add("resources:ResourceGroup", resourceGroupName="rg", location="x")
    account = deployment.add("cosmosdb:DatabaseAccount", resourceGroupName="rg", accountName="c", location="x")
    names = {"resourceGroupName": "rg", "accountName": "c"}
    deployment.add("cosmosdb:SqlResourceSqlDatabase", **names, databaseName="pipeline", resource={"id": "pipeline"})
    definition = {"id": "images", "partitionKey": {"paths": ["/id"], "kind": "Hash"}}
    deployment.add(
        "cosmosdb:SqlResourceSqlContainer",
        **names,
        databaseName="pipeline",
        containerName="images",
        resource=definition,
    )
    prefix = "Microsoft.DocumentDB/databaseAccounts"
    items = f"{prefix}/sqlDatabases/containers/items"
    actions = [f"{prefix}/readMetadata", f"{items}/read", f"{items}/create", f"{items}/replace"]
    role = deployment.add(
        "cosmosdb:SqlResourceSqlRoleDefinition",
        **names,
        roleDefinitionId="r",
        permissions=[{"dataActions": actions}],
    )
    deployment.add(
        "cosmosdb:SqlResourceSqlRoleAssignment",
        **names,
        roleAssignmentId="a",
        principalId="function",
        roleDefinitionId=role.id,
        scope=f"{account.id}/dbs/pipeline/colls/images",
    )
    with closing(ItemStore(tmp_path / "cosmos.db")) as store:
        cosmos = CosmosHandler(deployment.resources, identities, store, Faults(tmp_path / "none"))
        handlers = {"documents.azure.com": cosmos.handle}

        def call(method: str, path: str, principal: str = "function", body: Any = None, **headers: str) -> Answer:
            signed = identities.issue_token(principal, "https://c.documents.azure.com")[0]
            full = {"Authorization": f"type%3Daad%26ver%3D1.0%26sig%3D{signed}"}
            full |= {name.replace("_", "-"): value for name, value in headers.items()}
            data = None if body is None else json.dumps(body)
            return send_request(handlers, "c.documents.azure.com", method, path, headers=full, data=data)

        yield call


DOCS = "/dbs/pipeline/colls/images/docs"


def test_items_are_written_and_read_under_their_etags(cosmos: Callable[..., Answer]) -> None:
    key = {"x_ms_documentdb_partitionkey": '["1"]'}
    status, headers, _ = cosmos("POST", DOCS, body={"id": "1", "n": 1}, **key)
    assert status == 201
    assert cosmos("POST", DOCS, body={"id": "1"}, **key)[0] == 409
    assert cosmos("PUT", f"{DOCS}/1", body={"id": "1", "n": 2}, If_Match=headers["etag"], **key)[0] == 200
    assert cosmos("PUT", f"{DOCS}/1", body={"id": "1", "n": 3}, If_Match=headers["etag"], **key)[0] == 412
    assert json.loads(cosmos("GET", f"{DOCS}/1", **key)[2])["n"] == 2
    assert cosmos("GET", f"{DOCS}/1")[0] == 400
    assert cosmos("POST", DOCS, body=["not an item"], **key)[0] == 400


def test_what_was_written_comes_back_unless_the_client_has_no_use_for_it(cosmos: Callable[..., Answer]) -> None:
    key = {"x_ms_documentdb_partitionkey": '["1"]'}
    _, headers, body = cosmos("POST", DOCS, body={"id": "1", "n": 1}, Prefer="return=minimal", **key)
    assert body == b""
    _, headers, body = cosmos(
        "PUT", f"{DOCS}/1", body={"id": "1", "n": 2}, If_Match=headers["etag"], Prefer="return=minimal", **key
    )
    assert body == b""
    _, _, body = cosmos("PUT", f"{DOCS}/1", body={"id": "1", "n": 3}, If_Match=headers["etag"], **key)
    assert json.loads(body)["n"] == 3


def test_cosmos_refuses_what_no_role_allows_and_what_it_does_not_do(cosmos: Callable[..., Answer]) -> None:
    key = {"x_ms_documentdb_partitionkey": '["1"]'}
    status, headers, body = cosmos("DELETE", f"{DOCS}/1", **key)
    assert (status, headers["x-ms-substatus"]) == (403, "5301")
    assert b"items/delete" in body
    assert cosmos("GET", f"{DOCS}/1", "stranger", **key)[0] == 403
    assert cosmos("GET", "/", "stranger")[0] == 403
    assert cosmos("POST", "/dbs", body={"id": "new"})[0] == 403
    assert cosmos("POST", DOCS, body={"query": "SELECT * FROM c"}, x_ms_documentdb_isquery="True")[0] == 501
    assert cosmos("PATCH", f"{DOCS}/1", body={}, **key)[0] == 501
    assert cosmos("GET", DOCS)[0] == 501


def test_metadata_is_for_those_who_hold_a_role(cosmos: Callable[..., Answer]) -> None:
    account = json.loads(cosmos("GET", "/")[2])
    assert account["writableLocations"][0]["databaseAccountEndpoint"].startswith("https://c.documents.azure.com")
    container = json.loads(cosmos("GET", "/dbs/pipeline/colls/images")[2])
    assert container["partitionKey"]["paths"] == ["/id"]
    assert cosmos("GET", "/dbs/pipeline/colls/nothing")[0] == 404
    assert cosmos("GET", "/dbs/pipeline/colls/images/pkranges")[0] == 200
