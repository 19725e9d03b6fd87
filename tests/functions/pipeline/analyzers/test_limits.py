"""The limits of each analyzer: those that the API states are those that the pipeline checks."""

import pytest
from classifier.analyzers import content_understanding, custom_vision, foundry_vision, image_analysis
from common.domain.image_limits import ANALYZER_LIMITS

from infra.core.analysis import ANALYZERS
from tests.support.fake_content_understanding import CONTENT_UNDERSTANDING
from tests.support.fake_vision_service import CUSTOM, FOUNDRY, OPTIONS, FakeVisionService, create_azure_clients

# The module of each analyzer, by its name, and options of it.
BUILDERS = {
    "image-analysis": (image_analysis.build, OPTIONS),
    "custom-vision": (custom_vision.build, CUSTOM | {"task": "multiclass"}),
    "foundry-vision": (foundry_vision.build, FOUNDRY),
    "content-understanding": (content_understanding.build, CONTENT_UNDERSTANDING),
}


def test_every_analyzer_has_limits() -> None:
    assert ANALYZER_LIMITS.keys() == BUILDERS.keys() == set(ANALYZERS)


@pytest.mark.parametrize("name", BUILDERS)
def test_the_limits_of_an_analyzer_are_those_of_its_name(name: str) -> None:
    build, options = BUILDERS[name]
    analyzer = build(options, ("tags",), create_azure_clients(FakeVisionService()))
    assert analyzer.limits is ANALYZER_LIMITS[name]
