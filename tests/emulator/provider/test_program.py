"""The emulator supports every resource type and input of the program."""

from typing import Any

import pytest

from emulator.provider import unsupported, validation
from emulator.provider.properties import to_inputs, to_struct
from schemas.azure_native.resource_types import RESOURCE_TYPES
from tests.conftest import run_program
from tests.infra.test_settings import CONTENT_UNDERSTANDING, FOUNDRY


@pytest.mark.parametrize("stack", ["dev", "prod", "prod_private"])
def test_the_inputs_of_every_resource_are_supported(stack: str, request: pytest.FixtureRequest) -> None:
    """Where a stack that cannot be previewed with the emulator fails first."""
    problems = [
        (resource.name, *problem)
        for resource in request.getfixturevalue(stack).cloud
        for problem in validation.check_inputs(RESOURCE_TYPES[resource.type], to_inputs(to_struct(resource.inputs)))
        # Recorded names of parents are not Azure's.
        if "legal name" not in problem[1]
    ]
    assert problems == []


@pytest.mark.parametrize(
    "config", [{"features": ["tags", "read", "safety", "embeddings"]}, FOUNDRY, CONTENT_UNDERSTANDING]
)
def test_a_stack_with_every_call_or_with_a_vision_model_can_be_deployed(config: dict[str, Any]) -> None:
    recorder = run_program("local", config)
    problems = [
        (resource.name, *problem)
        for resource in recorder.cloud
        for inputs in (to_inputs(to_struct(resource.inputs)),)
        for check in (validation.check_inputs, unsupported.find_unsupported_inputs)
        for problem in check(RESOURCE_TYPES[resource.type], inputs)
        # Recorded names of parents are not Azure's.
        if "legal name" not in problem[1]
    ]
    assert problems == []
