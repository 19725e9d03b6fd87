"""The emulator supports every resource type and input of the program."""

import pytest

from emulator.provider import unsupported, validation
from emulator.provider.properties import to_inputs, to_struct
from schemas.azure_native.resource_types import RESOURCE_TYPES
from tests.conftest import run_program


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


def test_a_stack_with_safety_and_embeddings_can_be_deployed() -> None:
    recorder = run_program("local", {"features": ["tags", "read", "safety", "embeddings"]})
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
