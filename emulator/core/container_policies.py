"""The definition of a Cosmos DB container: partition key, time to live, policies of indexing, vectors and full text.

https://learn.microsoft.com/rest/api/cosmos-db-resource-provider/sql-resources/create-update-sql-container
"""

import re
from typing import Any

import msgspec

_SEGMENT = re.compile(r'"(?:[^"\\]|\\.)*"|[^/"]+')


class PartitionKeyDefinition(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Paths of the partition key; more than one for a hierarchical key (`MultiHash`)."""

    paths: tuple[str, ...]
    kind: str = "Hash"
    version: int = 2


class IndexedPath(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A path that is included in the index or excluded from it."""

    path: str


class CompositePath(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A path of a composite index, and its order: `ascending` or `descending`."""

    path: str
    order: str = "ascending"


class VectorIndex(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A vector index."""

    path: str
    type: str


class FullTextIndex(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A full-text index."""

    path: str


class IndexingPolicy(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What is indexed. Without a policy, every property is."""

    indexing_mode: str = "consistent"
    automatic: bool = True
    included_paths: tuple[IndexedPath, ...] = (IndexedPath(path="/*"),)
    excluded_paths: tuple[IndexedPath, ...] = ()
    composite_indexes: tuple[tuple[CompositePath, ...], ...] = ()
    vector_indexes: tuple[VectorIndex, ...] = ()
    full_text_indexes: tuple[FullTextIndex, ...] = ()


class VectorEmbedding(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A path with vectors, their type, dimensions and distance function."""

    path: str
    data_type: str
    dimensions: int
    distance_function: str


class VectorEmbeddingPolicy(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The paths with vectors."""

    vector_embeddings: tuple[VectorEmbedding, ...] = ()


class FullTextPath(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A path with text that can be searched by words."""

    path: str
    language: str | None = None


class FullTextPolicy(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The paths with text that can be searched by words."""

    default_language: str | None = None
    full_text_paths: tuple[FullTextPath, ...] = ()


class ContainerDefinition(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A container as it is deployed; `default_ttl` in seconds, None: items never expire."""

    id: str
    partition_key: PartitionKeyDefinition
    default_ttl: int | None = None
    indexing_policy: IndexingPolicy = IndexingPolicy()
    vector_embedding_policy: VectorEmbeddingPolicy = VectorEmbeddingPolicy()
    full_text_policy: FullTextPolicy = FullTextPolicy()


def read_definition(resource: dict[str, Any]) -> ContainerDefinition:
    """The container in a deployed resource's input `resource`. Raises msgspec.ValidationError."""
    # A policy that the program leaves out may be there as null.
    return msgspec.convert({key: value for key, value in resource.items() if value is not None}, ContainerDefinition)


def path_segments(path: str) -> tuple[str, ...]:
    """The names in a path such as `/a/"b c"/[]`.

    A path of an index ends in `?` (a scalar) or `*` (everything below), which is a segment of its own.
    """
    return tuple(
        segment[1:-1].replace('\\"', '"') if segment.startswith('"') else segment for segment in _SEGMENT.findall(path)
    )
