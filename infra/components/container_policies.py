"""Policies of the container of records: what its queries use, and nothing else (docs/decisions/0043)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pulumi
from pulumi_azure_native import cosmosdb

# Each indexed value is paid for at every write. A label of at least some confidence is found by its name; the
# confidence is then compared in the record.
RECORD_INDEXED_PATHS = ("/processedAt/?", "/status/?", "/labels/[]/?", "/category/name/?")
# Lists are ordered by time and id, so that a page begins where the last one ended. With a category, one index serves
# the filter and the order: https://learn.microsoft.com/azure/cosmos-db/index-policy#composite-indexes
_RECORD_COMPOSITE_INDEXES = (
    (("/processedAt", "descending"), ("/id", "descending")),
    (("/category/name", "ascending"), ("/processedAt", "descending"), ("/id", "descending")),
)
# What searches for words look into. Languages other than English are in preview:
# https://learn.microsoft.com/azure/cosmos-db/gen-ai/full-text-search
_TEXT_PATH = "/text"
_TEXT_LANGUAGE = "en-US"
# Two embeddings for each record, so that searches use one model while another one's are filled in: vector policies
# cannot be changed. Vision's embeddings have 1,024 dimensions, and are compared by cosine similarity; its successors
# can have as many: https://learn.microsoft.com/azure/ai-services/computer-vision/concept-image-retrieval
_VECTOR_PATHS = ("/vector", "/vector2")
_DIMENSIONS = 1024


def record_indexing_policy(*, vector_search: bool) -> cosmosdb.IndexingPolicyArgs:
    """The indexing policy of the container of records.

    Args:
        vector_search: Records have embeddings.
    """
    vector_indexes = None
    if vector_search:
        vector_indexes = [
            cosmosdb.VectorIndexArgs(path=path, type=cosmosdb.VectorIndexType.DISK_ANN) for path in _VECTOR_PATHS
        ]
    return cosmosdb.IndexingPolicyArgs(
        indexing_mode=cosmosdb.IndexingMode.CONSISTENT,
        automatic=True,
        included_paths=[cosmosdb.IncludedPathArgs(path=path) for path in RECORD_INDEXED_PATHS],
        # The vectors too: in the ordinary index they would cost a term for each of their numbers.
        excluded_paths=[cosmosdb.ExcludedPathArgs(path="/*")],
        composite_indexes=[
            [cosmosdb.CompositePathArgs(path=path, order=order) for path, order in index]
            for index in _RECORD_COMPOSITE_INDEXES
        ],
        full_text_indexes=[cosmosdb.FullTextIndexPathArgs(path=_TEXT_PATH)],
        vector_indexes=vector_indexes,
    )


def key_value_indexing_policy() -> cosmosdb.IndexingPolicyArgs:
    """The indexing policy of a container whose items are read by their id alone."""
    return cosmosdb.IndexingPolicyArgs(
        indexing_mode=cosmosdb.IndexingMode.CONSISTENT,
        automatic=True,
        included_paths=[],
        excluded_paths=[cosmosdb.ExcludedPathArgs(path="/*")],
    )


def comparison_indexing_policy() -> cosmosdb.IndexingPolicyArgs:
    """The indexing policy of the container of comparisons, which are read newest first."""
    return cosmosdb.IndexingPolicyArgs(
        indexing_mode=cosmosdb.IndexingMode.CONSISTENT,
        automatic=True,
        included_paths=[cosmosdb.IncludedPathArgs(path="/comparedAt/?")],
        excluded_paths=[cosmosdb.ExcludedPathArgs(path="/*")],
    )


def record_full_text_policy() -> cosmosdb.FullTextPolicyArgs:
    """The path and language of the text that searches look into. It can be added to an existing container."""
    return cosmosdb.FullTextPolicyArgs(
        default_language=_TEXT_LANGUAGE,
        full_text_paths=[cosmosdb.FullTextPathArgs(path=_TEXT_PATH, language=_TEXT_LANGUAGE)],
    )


def record_embedding_policy() -> cosmosdb.VectorEmbeddingPolicyArgs:
    """Paths, type, dimensions and distance function of the records' embeddings.

    https://learn.microsoft.com/azure/cosmos-db/nosql/vector-search
    """
    return cosmosdb.VectorEmbeddingPolicyArgs(
        vector_embeddings=[
            cosmosdb.VectorEmbeddingArgs(
                path=path,
                data_type=cosmosdb.VectorDataType.FLOAT32,
                dimensions=_DIMENSIONS,
                distance_function=cosmosdb.DistanceFunction.COSINE,
            )
            for path in _VECTOR_PATHS
        ]
    )


def vector_change_hook(resource_name: str) -> pulumi.ResourceHook:
    """The hook for `before_update` of a container that refuses a change of its vector policy, at preview already."""
    return pulumi.ResourceHook(
        f"{resource_name}-vector-policy", refuse_vector_change, opts=pulumi.ResourceHookOptions(on_dry_run=True)
    )


def refuse_vector_change(args: pulumi.ResourceHookArgs) -> None:
    """Compare the vector policies before and after an update.

    Azure refuses a change too, but only when it is deployed, and after other resources were changed: "vector policies
    and vector indexes are immutable after creation" (https://learn.microsoft.com/azure/cosmos-db/index-policy).

    Raises:
        VectorPolicyChangeError: They differ.
    """
    before = _vector_paths(args.old_inputs)
    after = _vector_paths(args.new_inputs)
    if before != after:
        raise VectorPolicyChangeError(args.urn, before, after)


class VectorPolicyChangeError(Exception):
    """A deployment would change the vector policy of an existing container."""

    def __init__(self, urn: str, before: list[str], after: list[str]) -> None:
        change = (
            f"the container was created with {_list_paths(before)}, and now has to have {_list_paths(after)}; Azure"
            " cannot change the vector policy of an existing container"
        )
        super().__init__(
            f"features: {change}. Leave `embeddings` in or out of `features` as it was; or create the container again,"
            f" with the loss of its records: `pulumi up --replace '{urn}'` (with protectData, first"
            f" `pulumi state unprotect '{urn}'`), then `make backfill`, which makes a new record of every image and"
            " charges no analysis that is still in the cache"
        )


def _vector_paths(inputs: Mapping[str, Any] | None) -> list[str]:
    """The paths of the embeddings in a container's inputs."""
    resource: Mapping[str, Any] = (inputs or {}).get("resource") or {}
    policy: Mapping[str, Any] = resource.get("vectorEmbeddingPolicy") or {}
    return sorted(embedding["path"] for embedding in policy.get("vectorEmbeddings") or ())


def _list_paths(paths: list[str]) -> str:
    return f"the vectors {' and '.join(paths)}" if paths else "no vectors"
