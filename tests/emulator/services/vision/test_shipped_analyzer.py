"""The shipped analyzer with every feature, against the emulator's models, for the sample photos."""

import asyncio

import pytest
from common.domain.models import Analysis

from client.samples import sample_photos
from tests.support.emulated_vision import analyze, connect_to_models

FEATURES = (
    "tags", "objects", "people", "read", "smartCrops", "caption", "denseCaptions", "safety", "embeddings",
)  # fmt: skip


@pytest.fixture(scope="module")
def analyses() -> dict[str, Analysis]:
    async def run() -> dict[str, Analysis]:
        paths = sample_photos()
        async with connect_to_models() as azure:
            results = await analyze([path.read_bytes() for path in paths], FEATURES, azure)
        return {path.name: analysis for path, analysis in zip(paths, results, strict=True)}

    return asyncio.run(run())


def test_every_sample_photo_has_findings_of_every_feature(analyses: dict[str, Analysis]) -> None:
    assert len(analyses) == 9
    for analysis in analyses.values():
        assert analysis.model_version == "emulator-3, 3.2 emulator-safety-1, vectorizeImage emulator-embedding-1"
        assert analysis.findings.adult
        assert analysis.findings.adult.verdict == "clear"
        assert isinstance(analysis.findings.vector, tuple)
        assert len(analysis.findings.vector) == 1024


def test_the_photo_of_a_cat_is_one(analyses: dict[str, Analysis]) -> None:
    tags = analyses["chelsea.png"].findings.tags
    assert isinstance(tags, tuple)
    assert tags[0].name == "cat"
