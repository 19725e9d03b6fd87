"""Azure's validation of the policies of vectors and full text of a Cosmos DB container.

Texts and limits: see `container_rules`, and https://learn.microsoft.com/azure/cosmos-db/nosql/vector-search
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from emulator.core.container_policies import ContainerDefinition

_PATH = re.compile(r'(?:/(?:"(?:[^"\\]|\\.)*"|[^/"?*\[\]]+))+')
_DATA_TYPES = ("float32", "float16", "int8", "uint8")
_DISTANCE_FUNCTIONS = ("euclidean", "cosine", "dotproduct")
_INDEX_TYPES = ("flat", "quantizedFlat", "diskANN")
_MAXIMUM_DIMENSIONS = 4096
_MAXIMUM_FLAT_DIMENSIONS = 505
_MAXIMUM_QUANTIZATION = 512
_SEARCH_LIST = range(25, 501)
_LANGUAGES = ("en-US", "fr-FR", "de-DE", "it-IT", "pt-BR", "pt-PT", "es-ES")

type Problems = Iterator[tuple[str, str]]


def vector_problems(definition: ContainerDefinition, stated: Sequence[Any]) -> Problems:
    """Every (property, reason) for which policies of vectors would be refused; `stated` are the vector indexes."""
    name = "resource.vectorEmbeddingPolicy"
    dimensions: dict[str, int] = {}
    for embedding in definition.vector_embedding_policy.vector_embeddings:
        dimensions[embedding.path] = embedding.dimensions
        if _PATH.fullmatch(embedding.path) is None:
            yield (
                name,
                (
                    f"The Vector Embedding Policy has an invalid Path:{embedding.path}. Specify the correct"
                    " path for vector properties of your documents"
                ),
            )
        if embedding.data_type not in _DATA_TYPES:
            yield (
                name,
                (
                    f"The Vector Embedding Policy has an invalid DataType:{embedding.data_type}; it must be one"
                    f" of {', '.join(_DATA_TYPES)}"
                ),
            )
        if embedding.distance_function not in _DISTANCE_FUNCTIONS:
            yield (
                name,
                (
                    "The Vector Embedding Policy has an invalid DistanceFunction:"
                    f"{embedding.distance_function}; it must be one of {', '.join(_DISTANCE_FUNCTIONS)}"
                ),
            )
        if embedding.dimensions < 1:
            yield name, f"The Vector Embedding Policy has Dimensions:{embedding.dimensions}, less than 1"
        if embedding.dimensions > _MAXIMUM_DIMENSIONS:
            yield (
                name,
                (
                    f"The Vector Embedding Policy has Dimensions:{embedding.dimensions} which is more than the"
                    f" maximum supported value:{_MAXIMUM_DIMENSIONS}"
                ),
            )
    for index in stated:
        yield from _vector_index_problems(index, dimensions)


def _vector_index_problems(index: dict[str, Any], dimensions: dict[str, int]) -> Problems:
    name = "resource.indexingPolicy.vectorIndexes"
    path = index["path"]
    index_type = index["type"]
    if index_type not in _INDEX_TYPES:
        yield name, f"The Vector Indexing Policy's Index Type::{index_type} is invalid"
    if path not in dimensions:
        yield name, f"The Vector Indexing Policy's path::{path} not matching in Embedding's path."
        return
    if index_type == "flat" and dimensions[path] > _MAXIMUM_FLAT_DIMENSIONS:
        yield (
            name,
            (
                f"The Vector Indexing Policy's Index Type::flat has {dimensions[path]} dimensions; it supports"
                f" at most {_MAXIMUM_FLAT_DIMENSIONS}"
            ),
        )
    size = index.get("quantizationByteSize")
    largest = min(dimensions[path], _MAXIMUM_QUANTIZATION)
    if size is not None and not 1 <= size <= largest:
        yield (
            name,
            (
                f"The Vector Indexing Policy parameter QuantizationByteSize value :: {size} is out of range."
                f" The allowed range is between 1 and {largest}."
            ),
        )
    length = index.get("indexingSearchListSize")
    if length is not None and length not in _SEARCH_LIST:
        yield (
            name,
            (
                f"The Vector Indexing Policy parameter IndexingSearchListSize value :: {length} is out of"
                f" range. The allowed range is between {_SEARCH_LIST[0]} and {_SEARCH_LIST[-1]}."
            ),
        )
    shards = index.get("vectorIndexShardKey") or []
    if not isinstance(shards, list):
        yield name, "One of the specified inputs is invalid: vectorIndexShardKey is not a list"
        return
    if len(shards) > 1:
        yield (
            name,
            (f"The number of shard paths defined in the Vector Indexing Policy: {len(shards)} exceeds the maximum: 1."),
        )
    for shard in shards:
        if _PATH.fullmatch(shard) is None:
            yield name, f"The Vector Indexing Policy has an invalid Shard Path: {shard}."


def full_text_problems(definition: ContainerDefinition, stated: Sequence[Any]) -> Problems:
    """Every (property, reason) for which policies of full text would be refused; `stated` are the full-text indexes."""
    name = "resource.fullTextPolicy"
    policy = definition.full_text_policy
    for language in (policy.default_language, *(entry.language for entry in policy.full_text_paths)):
        if language is not None and language not in _LANGUAGES:
            yield (
                name,
                (
                    f"The Full Text Policy contains an unsupported language {language}. Supported languages"
                    f" are: {', '.join(_LANGUAGES)}"
                ),
            )
    paths = [entry.path for entry in policy.full_text_paths]
    for path in paths:
        if _PATH.fullmatch(path) is None:
            yield name, f"The Full Text Policy contains an invalid Path: {path}"
    for number, index in enumerate(stated):
        path = index["path"]
        if _PATH.fullmatch(path) is None:
            yield (
                "resource.indexingPolicy.fullTextIndexes",
                f"Full-text index specification at index ({number}) contains invalid path: {path}",
            )
        elif path not in paths:
            yield (
                "resource.indexingPolicy.fullTextIndexes",
                (f"The path of the Full Text Index {path} does not match the path specified in the Full Text Policy"),
            )
