"""The emulator supports every resource type and input of the program."""

import pytest

from emulator.provider import validation
from emulator.provider.properties import to_inputs, to_struct
from schemas.azure_native.resource_types import RESOURCE_TYPES


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
