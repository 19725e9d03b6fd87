"""Azure's validation of Cosmos DB containers: partition key, time to live, indexing, vectors and full text.

Texts: test_vector_policy.py and test_full_text_policy.py in
https://github.com/Azure/azure-sdk-for-python/tree/main/sdk/cosmos/azure-cosmos/tests
Limits: https://learn.microsoft.com/azure/cosmos-db/concepts-limits
"""

import re
from collections.abc import Iterator

import msgspec

from emulator.core.container_policies import (
    CompositePath,
    ContainerDefinition,
    IndexingPolicy,
    PartitionKeyDefinition,
    path_segments,
    read_definition,
)
from emulator.core.resource_store import Properties, ResourceStore
from emulator.provider.errors import DeploymentError
from emulator.provider.search_policies import full_text_problems, vector_problems

_ALL = "/*"
# An older form of `/*`, which the service still accepts.
_ROOT = "/"
_MAXIMUM_TTL = 2**31 - 1
_MAXIMUM_LEVELS = 3
_MAXIMUM_COMPOSITE_PATHS = 8
_MAXIMUM_COMPOSITE_INDEXES = 100
_INDEX_PATH = re.compile(r'/(?:(?:"(?:[^"\\]|\\.)*"|\[\]|[^/"?*\[\]]+)/)*[?*]')
_PLAIN_PATH = re.compile(r'(?:/(?:"(?:[^"\\]|\\.)*"|[^/"?*\[\]]+))+')
_INDEXING_POLICY = {
    *("indexingMode", "automatic", "includedPaths", "excludedPaths"),
    *("compositeIndexes", "vectorIndexes", "fullTextIndexes"),
}
_KNOWN = {"id", "partitionKey", "defaultTtl", "indexingPolicy", "vectorEmbeddingPolicy", "fullTextPolicy"}

type Problems = Iterator[tuple[str, str]]


def container_problems(inputs: Properties) -> Problems:
    """Every (property, reason) for which a container would be refused."""
    resource: Properties = inputs.get("resource") or {}
    for extra in sorted(key for key, value in resource.items() if value is not None and key not in _KNOWN):
        yield f"resource.{extra}", f"the emulator's Cosmos DB does not support {extra}"
    policy: Properties = resource.get("indexingPolicy") or {}
    for extra in sorted(key for key, value in policy.items() if value and key not in _INDEXING_POLICY):
        yield f"resource.indexingPolicy.{extra}", f"the emulator's Cosmos DB does not support {extra}"
    for name, reason in _azure_problems(resource, policy):
        yield name, f"BadRequest: {reason}"


def _azure_problems(resource: Properties, policy: Properties) -> Problems:
    for number, index in enumerate(policy.get("fullTextIndexes") or ()):
        if "path" not in index:
            yield (
                "resource.indexingPolicy.fullTextIndexes",
                f"Missing path in full-text index specification at index ({number})",
            )
            return
    try:
        definition = read_definition(resource)
    except msgspec.ValidationError as error:
        yield "resource", f"One of the specified inputs is invalid: {error}"
        return
    yield from _partition_key_problems(definition.partition_key)
    yield from _ttl_problems(definition)
    yield from _indexing_problems(definition.indexing_policy, policy)
    yield from vector_problems(definition, policy.get("vectorIndexes") or ())
    yield from full_text_problems(definition, policy.get("fullTextIndexes") or ())


def check_container_creation(inputs: Properties, resource_id: str, resources: ResourceStore) -> None:
    """Raise DeploymentError for vectors in an account without the capability.

    https://learn.microsoft.com/azure/cosmos-db/nosql/vector-search#enable-the-vector-indexing-and-search-feature
    """
    account = resources.get(resource_id.lower().partition("/sqldatabases/")[0])
    definition = read_definition(inputs["resource"])
    if account is None or not definition.vector_embedding_policy.vector_embeddings:
        return
    names = [capability.get("name") for capability in account.inputs.get("capabilities") or ()]
    if "EnableNoSQLVectorSearch" not in names:
        raise DeploymentError(
            "BadRequest: A Container Vector Policy has been provided, but the capability has not been enabled on your"
            " account"
        )


def check_container_update(before: Properties, after: Properties) -> None:
    """Raise DeploymentError for a change of what cannot be changed in place."""
    old = read_definition(before["resource"])
    new = read_definition(after["resource"])
    if old.partition_key != new.partition_key:
        raise DeploymentError("BadRequest: The partition key definition of a container cannot be modified")
    if old.vector_embedding_policy != new.vector_embedding_policy:
        raise DeploymentError(
            "BadRequest: Paths in existing embedding policy cannot be modified in Collection Replace; the container"
            " must be created again"
        )
    if old.indexing_policy.vector_indexes != new.indexing_policy.vector_indexes:
        raise DeploymentError(
            "BadRequest: Paths in existing vector indexing policy cannot be modified in Collection Replace; the"
            " container must be created again"
        )


def _partition_key_problems(key: PartitionKeyDefinition) -> Problems:
    name = "resource.partitionKey"
    if key.version != 2:
        yield (
            name,
            f"the emulator's Cosmos DB supports large partition keys (version 2) only, not version {key.version}",
        )
    if key.kind not in {"Hash", "MultiHash"}:
        yield name, f"the kind {key.kind!r} of the partition key is none of Hash and MultiHash"
    levels = range(1, 2) if key.kind == "Hash" else range(1, _MAXIMUM_LEVELS + 1)
    if len(key.paths) not in levels:
        yield name, f"a partition key of kind {key.kind} has {levels[0]} to {levels[-1]} paths"
    for path in key.paths:
        if _PLAIN_PATH.fullmatch(path) is None:
            yield name, f"The partition key component definition path '{path}' could not be accepted"


def _ttl_problems(definition: ContainerDefinition) -> Problems:
    ttl = definition.default_ttl
    if ttl is not None and ttl != -1 and not 1 <= ttl <= _MAXIMUM_TTL:
        yield (
            "resource.defaultTtl",
            (
                f"The input DefaultTimeToLive '{ttl}' is invalid. Ensure to provide a nonzero positive integer"
                f" less than or equal to '{_MAXIMUM_TTL}', or '-1' which means never expire"
            ),
        )


def _indexing_problems(policy: IndexingPolicy, stated: Properties) -> Problems:
    name = "resource.indexingPolicy"
    mode = policy.indexing_mode.lower()
    if mode not in {"consistent", "none"}:
        yield name, f"the indexing mode {policy.indexing_mode!r} is none of consistent and none"
    included = [entry.path for entry in policy.included_paths]
    excluded = [entry.path for entry in policy.excluded_paths]
    for path in (*included, *excluded):
        if path != _ROOT and _INDEX_PATH.fullmatch(path) is None:
            yield (
                name,
                (
                    f"The indexing path '{path}' could not be accepted. Please ensure that the path is a valid"
                    " path. Common errors include invalid characters or absence of quotes around labels"
                ),
            )
    has_root = not {_ALL, _ROOT}.isdisjoint((*included, *excluded))
    if stated.get("includedPaths") and mode != "none" and not has_root:
        yield (
            name,
            (
                "The special mandatory indexing path '/' is not provided in any of the path type sets. Please"
                " provide this path in one of the sets"
            ),
        )
    for path in sorted(set(included) & set(excluded)):
        if stated.get("includedPaths"):
            yield name, f"The indexing path '{path}' is both included and excluded"
    yield from _composite_problems(policy.composite_indexes)


def _composite_problems(indexes: tuple[tuple[CompositePath, ...], ...]) -> Problems:
    name = "resource.indexingPolicy.compositeIndexes"
    if len(indexes) > _MAXIMUM_COMPOSITE_INDEXES:
        yield name, f"a container has at most {_MAXIMUM_COMPOSITE_INDEXES} composite indexes"
    for index in indexes:
        if not 2 <= len(index) <= _MAXIMUM_COMPOSITE_PATHS:
            yield name, f"a composite index has 2 to {_MAXIMUM_COMPOSITE_PATHS} paths, not {len(index)}"
        segments = [path_segments(entry.path) for entry in index]
        if len(set(segments)) != len(segments):
            yield name, "a composite index has each path once"
        for entry in index:
            if _PLAIN_PATH.fullmatch(entry.path) is None:
                yield (
                    name,
                    (
                        f"the path {entry.path!r} of a composite index is not that of a property: it has no"
                        " wildcard, and no /? at its end"
                    ),
                )
            if entry.order.lower() not in {"ascending", "descending"}:
                yield name, f"the order {entry.order!r} is none of ascending and descending"
