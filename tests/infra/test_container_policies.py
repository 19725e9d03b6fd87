"""Policies of the container of records, and the refusal of a change of its vectors at preview."""

from typing import Any

import pulumi
import pytest

from infra.components.container_policies import VectorPolicyChangeError, refuse_vector_change
from tests.conftest import Recorder

URN = "urn:pulumi:prod::image-pipeline::azure-native:cosmosdb:SqlResourceSqlContainer::records-images"


def inputs(*paths: str) -> dict[str, Any]:
    """The inputs of a container with embeddings at these paths."""
    resource: dict[str, Any] = {"id": "images"}
    if paths:
        resource["vectorEmbeddingPolicy"] = {"vectorEmbeddings": [{"path": path} for path in paths]}
    return {"containerName": "images", "resource": resource}


def update(before: dict[str, Any], after: dict[str, Any]) -> None:
    """Call the hook of a container, as the engine does before an update, and at preview."""
    refuse_vector_change(
        pulumi.ResourceHookArgs(urn=URN, id="id", name="records-images", type="t", old_inputs=before, new_inputs=after)
    )


@pytest.mark.parametrize("paths", [(), ("/vector", "/vector2")])
def test_an_update_of_anything_else_goes_ahead(paths: tuple[str, ...]) -> None:
    after = inputs(*paths)
    after["resource"]["fullTextPolicy"] = {"fullTextPaths": [{"path": "/text"}]}
    update(inputs(*paths), after)


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        ((), ("/vector", "/vector2"), "created with no vectors, and now has to have the vectors /vector and /vector2"),
        (("/vector", "/vector2"), (), "created with the vectors /vector and /vector2, and now has to have no vectors"),
        (("/vector",), ("/vector", "/vector2"), "created with the vectors /vector, and now has to have the vectors"),
    ],
)
def test_a_change_of_the_vectors_is_refused_with_the_way_out(
    before: tuple[str, ...], after: tuple[str, ...], change: str
) -> None:
    with pytest.raises(VectorPolicyChangeError) as refusal:
        update(inputs(*before), inputs(*after))
    message = str(refusal.value)
    assert change in message
    for way_out in (
        "Leave `embeddings` in or out of `features` as it was",
        f"`pulumi up --replace '{URN}'`",
        f"`pulumi state unprotect '{URN}'`",
        "`make backfill`",
    ):
        assert way_out in message


def test_only_what_queries_use_is_indexed(dev: Recorder) -> None:
    resource = dev.one("cosmosdb:SqlResourceSqlContainer", "records-images").inputs["resource"]
    policy = resource["indexingPolicy"]
    assert [entry["path"] for entry in policy["excludedPaths"]] == ["/*"]
    assert [entry["path"] for entry in policy["includedPaths"]] == [
        "/processedAt/?",
        "/status/?",
        "/labels/[]/?",
        "/category/name/?",
    ]
    assert [[(entry["path"], entry["order"]) for entry in index] for index in policy["compositeIndexes"]] == [
        [("/processedAt", "descending"), ("/id", "descending")],
        [("/category/name", "ascending"), ("/processedAt", "descending"), ("/id", "descending")],
    ]
    assert policy["fullTextIndexes"] == [{"path": "/text"}]
    images = dev.one("cosmosdb:SqlResourceSqlContainer", "records-images")
    assert images.update_hooks == ("records-images-vector-policy",)
    assert resource["fullTextPolicy"] == {
        "defaultLanguage": "en-US",
        "fullTextPaths": [{"path": "/text", "language": "en-US"}],
    }
    analyses = dev.one("cosmosdb:SqlResourceSqlContainer", "records-analyses").inputs["resource"]
    assert analyses["indexingPolicy"]["includedPaths"] == []
    assert "fullTextPolicy" not in analyses
