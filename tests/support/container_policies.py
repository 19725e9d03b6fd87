"""The policies of the container of records, as the program deploys them."""

import json
from collections.abc import Mapping
from typing import Any

from tests.support.pulumi_recorder import run_program


def record_container_policies(stack: str, config: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the policies that a stack's container has, by the names of a container's properties.

    Args:
        stack: Name of a stack in stacks/.
        config: Settings that differ.
    """
    (resource,) = [
        one.inputs["resource"]
        for one in run_program(stack, config).of_type("cosmosdb:SqlResourceSqlContainer")
        if one.inputs["containerName"] == "images"
    ]
    names = ("indexingPolicy", "fullTextPolicy", "vectorEmbeddingPolicy")
    policies = {name: resource[name] for name in names if name in resource}
    # The recorder has every number as a float; all of them are whole.
    return json.loads(json.dumps(policies), parse_float=lambda text: int(float(text)))
