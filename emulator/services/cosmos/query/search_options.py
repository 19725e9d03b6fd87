"""The policies of vectors and full text, as queries need them."""

from collections.abc import Mapping
from typing import Any

from emulator.core.container_policies import ContainerDefinition, path_segments
from emulator.services.cosmos.items.indexing import Path
from emulator.services.cosmos.query.paths import constant_value, item_aliases, property_path
from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.runtime.options import DistanceFunction

_DEFAULT_LANGUAGE = "en-US"
_DISTANCE_FUNCTIONS: dict[str, DistanceFunction] = {
    "cosine": "cosine",
    "dotproduct": "dotproduct",
    "euclidean": "euclidean",
}


def distance_functions(definition: ContainerDefinition) -> dict[Path, DistanceFunction]:
    """The distance function of each path of the container's vector embedding policy."""
    return {
        path_segments(embedding.path): _DISTANCE_FUNCTIONS[embedding.distance_function.lower()]
        for embedding in definition.vector_embedding_policy.vector_embeddings
    }


def languages(definition: ContainerDefinition) -> dict[Path, str]:
    """The language of each path of the container's full-text policy."""
    policy = definition.full_text_policy
    default = policy.default_language or _DEFAULT_LANGUAGE
    return {path_segments(entry.path): entry.language or default for entry in policy.full_text_paths}


def is_ascending(
    call: tree.FunctionCall, query: tree.Query, parameters: Mapping[str, Any], definition: ContainerDefinition
) -> bool:
    """Whether ORDER BY this call, of a distance or a score, is ascending: the most similar first.

    https://learn.microsoft.com/azure/cosmos-db/nosql/query/vectordistance
    """
    if call.name.lower() != "vectordistance":
        return False
    stated = _stated_function(call, parameters)
    if stated is not None:
        return stated == "euclidean"
    functions = distance_functions(definition)
    aliases = item_aliases(query)
    paths = (property_path(argument, aliases) for argument in call.arguments[:2])
    return any(path is not None and functions.get(path) == "euclidean" for path in paths)


def _stated_function(call: tree.FunctionCall, parameters: Mapping[str, Any]) -> str | None:
    """The distance function in the options of a call, its fourth argument."""
    if len(call.arguments) < 4:
        return None
    options = call.arguments[3]
    if isinstance(options, tree.ObjectCreation):
        for name, expression in options.properties:
            value = constant_value(expression, parameters)
            if name == "distanceFunction" and value is not None:
                return str(value[0]).lower()
    value = constant_value(options, parameters)
    if value is not None and isinstance(value[0], dict) and "distanceFunction" in value[0]:
        return str(value[0]["distanceFunction"]).lower()
    return None
