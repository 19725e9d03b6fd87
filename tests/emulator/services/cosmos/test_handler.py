"""Cosmos DB over HTTP: ETags, partition keys, roles, and what is refused."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.emulator.services.cosmos.conftest import CONTAINERS, HOST, PREFIX, CosmosAccount
from tests.emulator.support import Answer, send_request

DOCS = "/dbs/pipeline/colls/images/docs"
KEY = {"x_ms_documentdb_partitionkey": '["1"]'}


@pytest.fixture
def cosmos(account: CosmosAccount) -> Callable[..., Answer]:
    """Sends a request as the principal `function`, who may read, create and replace items of one container."""
    account.add_container("images")
    actions = [f"{PREFIX}/readMetadata", *(f"{CONTAINERS}/items/{verb}" for verb in ("read", "create", "replace"))]
    account.assign_role("function", *actions, scope="/dbs/pipeline/colls/images")

    def call(method: str, path: str, principal: str = "function", body: Any = None, **headers: str) -> Answer:
        signed = account.identities.issue_token(principal, f"https://{HOST}")[0]
        full = {"Authorization": f"type%3Daad%26ver%3D1.0%26sig%3D{signed}"}
        full |= {name.replace("_", "-"): value for name, value in headers.items()}
        data = None if body is None else json.dumps(body)
        handlers = {"documents.azure.com": account.handler.handle}
        return send_request(handlers, HOST, method, path, headers=full, data=data)

    return call


def test_items_are_written_and_read_under_their_etags(cosmos: Callable[..., Answer]) -> None:
    status, headers, _ = cosmos("POST", DOCS, body={"id": "1", "n": 1}, **KEY)
    assert status == 201
    assert cosmos("POST", DOCS, body={"id": "1"}, **KEY)[0] == 409
    assert cosmos("PUT", f"{DOCS}/1", body={"id": "1", "n": 2}, If_Match=headers["etag"], **KEY)[0] == 200
    assert cosmos("PUT", f"{DOCS}/1", body={"id": "1", "n": 3}, If_Match=headers["etag"], **KEY)[0] == 412
    _, headers, body = cosmos("GET", f"{DOCS}/1", **KEY)
    assert json.loads(body)["n"] == 2
    assert cosmos("GET", f"{DOCS}/1", If_None_Match=headers["etag"], **KEY)[0] == 304
    assert cosmos("POST", DOCS, body=["not an item"], **KEY)[0] == 400


def test_a_request_to_an_item_needs_its_partition_key(cosmos: Callable[..., Answer]) -> None:
    for method, path, body in (("POST", DOCS, {"id": "1"}), ("GET", f"{DOCS}/1", None)):
        status, headers, answer = cosmos(method, path, body=body)
        assert (status, headers["x-ms-substatus"]) == (400, "1001")
        assert b"has fewer components than defined" in answer
    assert cosmos("GET", f"{DOCS}/1", x_ms_documentdb_partitionkey="1")[0] == 400


def test_what_was_written_comes_back_unless_the_client_has_no_use_for_it(cosmos: Callable[..., Answer]) -> None:
    _, headers, body = cosmos("POST", DOCS, body={"id": "1", "n": 1}, Prefer="return=minimal", **KEY)
    assert body == b""
    _, headers, body = cosmos(
        "PUT", f"{DOCS}/1", body={"id": "1", "n": 2}, If_Match=headers["etag"], Prefer="return=minimal", **KEY
    )
    assert body == b""
    _, _, body = cosmos("PUT", f"{DOCS}/1", body={"id": "1", "n": 3}, If_Match=headers["etag"], **KEY)
    assert json.loads(body)["n"] == 3


def test_resources_are_addressed_by_their_resource_ids_too(cosmos: Callable[..., Answer]) -> None:
    item = json.loads(cosmos("POST", DOCS, body={"id": "1"}, **KEY)[2])
    assert json.loads(cosmos("GET", f"/{item['_self']}", **KEY)[2])["id"] == "1"
    container = json.loads(cosmos("GET", "/dbs/pipeline/colls/images")[2])
    assert json.loads(cosmos("GET", f"/{container['_self']}")[2])["id"] == "images"
    database = json.loads(cosmos("GET", "/dbs/pipeline", "owner")[2])
    assert json.loads(cosmos("GET", f"/{database['_self']}", "owner")[2])["id"] == "pipeline"
    missing = item["_self"].replace(item["_rid"], "AAAAAAAAAAAAAAAAAAAAAA==")
    assert cosmos("GET", f"/{missing}", **KEY)[0] == 404


def test_roles_hold_for_resource_ids(cosmos: Callable[..., Answer]) -> None:
    item = json.loads(cosmos("POST", DOCS, body={"id": "1"}, **KEY)[2])
    assert cosmos("DELETE", f"/{item['_self']}", **KEY)[0] == 403
    assert cosmos("DELETE", f"/{item['_self']}", "owner", **KEY)[0] == 204


def test_cosmos_refuses_what_no_role_allows(cosmos: Callable[..., Answer]) -> None:
    status, headers, body = cosmos("DELETE", f"{DOCS}/1", **KEY)
    assert (status, headers["x-ms-substatus"]) == (403, "5301")
    assert b"items/delete" in body
    assert cosmos("GET", f"{DOCS}/1", "stranger", **KEY)[0] == 403
    assert cosmos("GET", "/", "stranger")[0] == 403
    assert cosmos("POST", "/dbs", body={"id": "new"})[0] == 403


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("PATCH", f"{DOCS}/1", {}),
        ("POST", DOCS, {"x_ms_cosmos_is_batch_request": "True"}),
        ("GET", DOCS, {"A_IM": "Incremental feed"}),
        ("POST", "/dbs/pipeline/colls/images/sprocs/x", {}),
        ("GET", "/dbs/pipeline/colls/images/conflicts", {}),
        ("GET", "/dbs", {}),
        ("POST", DOCS, {"x_ms_documentdb_pre_trigger_include": "t"}),
        ("POST", DOCS, {"x_ms_documentdb_post_trigger_include": "t"}),
        ("POST", DOCS, {"x_ms_indexing_directive": "Exclude"}),
    ],
)
def test_what_the_emulator_does_not_support_is_refused(
    cosmos: Callable[..., Answer], method: str, path: str, headers: dict[str, str]
) -> None:
    status, _, body = cosmos(method, path, "owner", body=None if method == "GET" else {"id": "1"}, **KEY, **headers)
    assert status == 501
    assert b"does not support" in body


def test_other_paths_are_refused(cosmos: Callable[..., Answer]) -> None:
    assert cosmos("GET", "/something")[0] == 400
    assert cosmos("GET", "/dbs/pipeline/containers/images")[0] == 400


@pytest.mark.parametrize(
    ("level", "status"), [("Strong", 400), ("BoundedStaleness", 400), ("Session", 200), ("Eventual", 200), ("x", 400)]
)
def test_a_stronger_consistency_than_the_accounts_is_refused(
    cosmos: Callable[..., Answer], level: str, status: int
) -> None:
    cosmos("POST", DOCS, body={"id": "1"}, **KEY)
    assert cosmos("GET", f"{DOCS}/1", x_ms_consistency_level=level, **KEY)[0] == status


def test_metadata_is_for_those_who_hold_a_role(cosmos: Callable[..., Answer]) -> None:
    account = json.loads(cosmos("GET", "/")[2])
    assert account["writableLocations"][0]["databaseAccountEndpoint"].startswith("https://c.documents.azure.com")
    container = json.loads(cosmos("GET", "/dbs/pipeline/colls/images")[2])
    assert container["partitionKey"]["paths"] == ["/id"]
    assert cosmos("GET", "/dbs/pipeline/colls/nothing")[0] == 404


def test_what_does_not_exist_is_not_found(cosmos: Callable[..., Answer]) -> None:
    for path, sub_status in (
        ("/dbs/nothing", "0"),
        ("/dbs/pipeline/colls/nothing", "0"),
        ("/dbs/pipeline/colls/nothing/docs/1", "1003"),
        ("/dbs/PIPELINE/colls/images", "1003"),
        (f"{DOCS}/1", "0"),
    ):
        status, headers, _ = cosmos("GET", path, "owner", **KEY)
        assert (status, headers["x-ms-substatus"]) == (404, sub_status), path


def test_the_partition_key_ranges_are_the_physical_partitions(cosmos: Callable[..., Answer]) -> None:
    path = "/dbs/pipeline/colls/images/pkranges"
    status, headers, body = cosmos("GET", path)
    assert status == 200
    ranges = json.loads(body)["PartitionKeyRanges"]
    assert [key_range["id"] for key_range in ranges] == ["0", "1", "2"]
    assert (ranges[0]["minInclusive"], ranges[2]["maxExclusive"]) == ("", "FF")
    assert cosmos("GET", path, If_None_Match=headers["etag"])[0] == 304


def test_charges_and_session_tokens_are_those_of_the_operation(cosmos: Callable[..., Answer]) -> None:
    def charge(method: str, path: str, body: Any = None) -> float:
        return float(cosmos(method, path, "owner", body=body, **KEY)[1]["x-ms-request-charge"])

    # Four values are indexed: id, a, b and _ts.
    assert charge("POST", DOCS, {"id": "1", "a": 1, "b": [2]}) == 6.3
    assert charge("GET", f"{DOCS}/1") == 1
    assert charge("PUT", f"{DOCS}/1", {"id": "1", "a": 2}) == 11.2
    assert charge("PUT", f"{DOCS}/1", {"id": "1", "a": "x" * 99 * 1024}) == pytest.approx(1092, abs=2)
    assert charge("GET", f"{DOCS}/1") == pytest.approx(9.93, abs=0.03)
    headers = cosmos("GET", f"{DOCS}/1", **KEY)[1]
    assert headers["x-ms-session-token"] == f"{headers['x-ms-documentdb-partitionkeyrangeid']}:-1#3"
