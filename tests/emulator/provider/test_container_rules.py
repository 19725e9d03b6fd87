"""Cosmos DB containers that Azure refuses, with the texts that Microsoft's tests of its SDK expect."""

from typing import Any

import pytest

from emulator.core.resource_store import ResourceStore
from emulator.provider.container_rules import check_container_creation, check_container_update, container_problems
from emulator.provider.errors import DeploymentError
from tests.emulator.conftest import Deployment

KEY = {"paths": ["/id"], "kind": "Hash", "version": 2}
EMBEDDING = {"path": "/vector", "dataType": "float32", "dimensions": 256, "distanceFunction": "cosine"}
VECTORS = {"vectorEmbeddingPolicy": {"vectorEmbeddings": [EMBEDDING]}}
TEXT = {"fullTextPolicy": {"defaultLanguage": "en-US", "fullTextPaths": [{"path": "/text", "language": "en-US"}]}}


def problems(**resource: Any) -> list[str]:
    return [text for _, text in container_problems({"resource": {"id": "c", "partitionKey": KEY} | resource})]


def indexing(**policy: Any) -> dict[str, Any]:
    return {"indexingPolicy": policy}


def vector_index(**index: Any) -> dict[str, Any]:
    return VECTORS | indexing(vectorIndexes=[{"path": "/vector", "type": "diskANN"} | index])


def embedding(**changed: Any) -> dict[str, Any]:
    return {"vectorEmbeddingPolicy": {"vectorEmbeddings": [EMBEDDING | changed]}}


def composite(*paths: str, order: str = "ascending") -> dict[str, Any]:
    return indexing(compositeIndexes=[[{"path": path, "order": order} for path in paths]])


@pytest.mark.parametrize(
    "resource",
    [
        {},
        {"defaultTtl": -1},
        {"defaultTtl": 2147483647},
        {"partitionKey": {"paths": ["/tenant", "/a/b", '/"odd name"'], "kind": "MultiHash", "version": 2}},
        indexing(includedPaths=[{"path": '/"processed at"/?'}, {"path": "/a/[]/b/?"}], excludedPaths=[{"path": "/*"}]),
        indexing(excludedPaths=[{"path": '/"_etag"/?'}]),
        indexing(indexingMode="none", automatic=False),
        composite("/a", "/b/c"),
        composite(*(f"/p{number}" for number in range(8)), order="descending"),
        vector_index(quantizationByteSize=256, indexingSearchListSize=25, vectorIndexShardKey=["/city"]),
        VECTORS | indexing(vectorIndexes=[{"path": "/vector", "type": "flat"}]),
        embedding(dataType="float16", distanceFunction="dotproduct", dimensions=4096),
        TEXT,
        TEXT | indexing(fullTextIndexes=[{"path": "/text"}]),
        {"fullTextPolicy": {"defaultLanguage": "de-DE"}},
    ],
)
def test_containers_that_azure_accepts_are_accepted(resource: dict[str, Any]) -> None:
    assert problems(**resource) == []


@pytest.mark.parametrize(
    ("resource", "text"),
    [
        ({"defaultTtl": 0}, "DefaultTimeToLive '0' is invalid"),
        ({"defaultTtl": -2}, "DefaultTimeToLive '-2' is invalid"),
        ({"defaultTtl": 2147483648}, "DefaultTimeToLive '2147483648' is invalid"),
        ({"defaultTtl": "soon"}, "One of the specified inputs is invalid"),
        ({"partitionKey": {"paths": [], "kind": "Hash"}}, "a partition key of kind Hash has 1 to 1 paths"),
        ({"partitionKey": {"paths": ["/a", "/b"], "kind": "Hash"}}, "a partition key of kind Hash has 1 to 1 paths"),
        ({"partitionKey": {"paths": ["/a"] * 4, "kind": "MultiHash"}}, "of kind MultiHash has 1 to 3 paths"),
        ({"partitionKey": {"paths": ["id"], "kind": "Hash"}}, "path 'id' could not be accepted"),
        ({"partitionKey": {"paths": ["/a/*"], "kind": "Hash"}}, "path '/a/*' could not be accepted"),
        ({"partitionKey": {"paths": ["/id"], "kind": "Range"}}, "'Range' of the partition key is none of"),
        ({"partitionKey": {"paths": ["/id"], "version": 1}}, "large partition keys (version 2) only, not version 1"),
        ({"uniqueKeyPolicy": {"uniqueKeys": []}}, "does not support uniqueKeyPolicy"),
        (indexing(spatialIndexes=[{"path": "/a/*"}]), "does not support spatialIndexes"),
        (indexing(indexingMode="lazy"), "'lazy' is none of consistent and none"),
        (indexing(includedPaths=[{"path": "/a/?"}]), "The special mandatory indexing path '/' is not provided"),
        (indexing(includedPaths=[{"path": "/a"}, {"path": "/*"}]), "The indexing path '/a' could not be accepted"),
        (indexing(includedPaths=[{"path": "/*"}], excludedPaths=[{"path": "/*"}]), "both included and excluded"),
        (composite("/a"), "a composite index has 2 to 8 paths, not 1"),
        (composite(*(f"/p{number}" for number in range(9))), "a composite index has 2 to 8 paths, not 9"),
        (composite("/a", "/b/?"), "'/b/?' of a composite index is not that of a property"),
        (composite("/a", "/a"), "a composite index has each path once"),
        (composite("/a", "/b", order="up"), "'up' is none of ascending and descending"),
        (indexing(compositeIndexes=[[{"path": "/a"}, {"path": "/b"}]] * 101), "at most 100 composite indexes"),
        (indexing(vectorIndexes=[{"path": "/v", "type": "flat"}]), "path::/v not matching in Embedding's path"),
        (vector_index(type="notFlat"), "Index Type::notFlat is invalid"),
        (vector_index(path="/other"), "path::/other not matching in Embedding's path"),
        (
            vector_index(quantizationByteSize=0),
            "QuantizationByteSize value :: 0 is out of range. The allowed range is between 1 and 256.",
        ),
        (
            vector_index(indexingSearchListSize=5),
            "IndexingSearchListSize value :: 5 is out of range. The allowed range is between 25 and 500.",
        ),
        (vector_index(vectorIndexShardKey=["country"]), "has an invalid Shard Path: country."),
        (
            vector_index(vectorIndexShardKey=["/a", "/b", "/c"]),
            "The number of shard paths defined in the Vector Indexing Policy: 3 exceeds the maximum: 1.",
        ),
        (vector_index(vectorIndexShardKey="/a"), "One of the specified inputs is invalid"),
        (embedding(dimensions=506) | indexing(vectorIndexes=[{"path": "/vector", "type": "flat"}]), "at most 505"),
        (embedding(dataType="float33"), "Vector Embedding Policy has an invalid DataType:float33"),
        (embedding(dimensions=8000), "Dimensions:8000 which is more than the maximum supported value"),
        (embedding(dimensions=-1), "The Vector Embedding Policy has Dimensions:-1"),
        (embedding(distanceFunction="handMeasured"), "has an invalid DistanceFunction:handMeasured"),
        (embedding(path="/a/[]/b"), "The Vector Embedding Policy has an invalid Path:/a/[]/b"),
        ({"fullTextPolicy": {"fullTextPaths": [{"path": "text"}]}}, "Full Text Policy contains an invalid Path: text"),
        ({"fullTextPolicy": {"defaultLanguage": "spa-SPA"}}, "unsupported language spa-SPA. Supported languages are:"),
        (
            {"fullTextPolicy": {"fullTextPaths": [{"path": "/text", "language": "xx"}]}},
            "unsupported language xx. Supported languages are:",
        ),
        (
            TEXT | indexing(fullTextIndexes=[{"path": "/title"}]),
            "The path of the Full Text Index /title does not match the path specified in the Full Text Policy",
        ),
        (
            TEXT | indexing(fullTextIndexes=[{"path": "text"}]),
            "Full-text index specification at index (0) contains invalid path",
        ),
        (
            TEXT | indexing(fullTextIndexes=[{"not_path": "text"}]),
            "Missing path in full-text index specification at index (0)",
        ),
    ],
)
def test_containers_that_azure_refuses_are_refused(resource: dict[str, Any], text: str) -> None:
    reasons = problems(**resource)
    assert len(set(reasons)) == 1
    assert text in reasons[0]


def container(**resource: Any) -> dict[str, Any]:
    return {"resource": {"id": "c", "partitionKey": KEY} | resource}


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (
            {},
            {"partitionKey": KEY | {"paths": ["/a"]}},
            "The partition key definition of a container cannot be modified",
        ),
        ({}, VECTORS, "Paths in existing embedding policy cannot be modified in Collection Replace"),
        (VECTORS, {}, "Paths in existing embedding policy cannot be modified in Collection Replace"),
        (VECTORS, vector_index(), "Paths in existing vector indexing policy cannot be modified in Collection Replace"),
    ],
)
def test_what_cannot_be_changed_in_place_is_refused(before: Any, after: Any, text: str) -> None:
    with pytest.raises(DeploymentError, match=text):
        check_container_update(container(**before), container(**after))


def test_full_text_and_indexes_may_be_added_to_a_container() -> None:
    after = container(**TEXT, **indexing(fullTextIndexes=[{"path": "/text"}]), defaultTtl=5)
    check_container_update(container(), after)


@pytest.mark.parametrize("capabilities", [None, [], [{"name": "EnableServerless"}]])
def test_vectors_need_the_accounts_capability(
    deployment: Deployment, resources: ResourceStore, capabilities: Any
) -> None:
    names = {"resourceGroupName": "rg", "accountName": "c"}
    account = deployment.add("cosmosdb:DatabaseAccount", **names, location="x", capabilities=capabilities)
    resource_id = f"{account.id}/sqlDatabases/d/containers/c"
    with pytest.raises(DeploymentError, match="capability has not been enabled on your account"):
        check_container_creation(container(**VECTORS), resource_id, resources)
    check_container_creation(container(), resource_id, resources)
    vector_search = [{"name": "EnableNoSQLVectorSearch"}]
    deployment.add("cosmosdb:DatabaseAccount", **names, location="x", capabilities=vector_search)
    check_container_creation(container(**VECTORS), resource_id, resources)
