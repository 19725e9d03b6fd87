"""The common space of images and texts: what is near, what is far, and what never changes."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.services.vision.semantic_space import DIMENSIONS, SemanticSpace
from emulator.services.vision.tags import Level, Tag
from scripts.setup import build_models

# Not a fixture: Hypothesis would refuse one.
SPACE = SemanticSpace(build_models() / "lexicon.npz")


@pytest.fixture
def space() -> SemanticSpace:
    return SPACE


def image(
    space: SemanticSpace, confidences: Mapping[str, float], colors: Mapping[str, float] | None = None
) -> np.ndarray:
    tags = [Tag(name=name, confidence=value, level=Level.BASIC) for name, value in confidences.items()]
    return space.embed_image(tags, colors or {})


# Six standard deviations of the cosine of two vectors that share nothing: 6 / sqrt(1024).
NEAR_NOTHING = 0.19


@pytest.mark.parametrize(
    ("text", "nearer", "further"),
    [
        ("cat", {"cat": 0.9}, {"dog": 0.9}),
        ("kitten", {"cat": 0.9}, {"dog": 0.9}),
        ("animal", {"cat": 0.9, "animal": 0.9}, {"car": 0.9}),
        ("motorbikes", {"motorcycle": 0.8}, {"bicycle": 0.8}),
        ("automobile", {"car": 0.8}, {"motorcycle": 0.8}),
        ("pagoda", {"building": 0.8}, {"cat": 0.8}),
        ("hot dog", {"hot dog": 0.8}, {"dog": 0.8}),
        ("laptop on a table", {"laptop": 0.7, "dining table": 0.7}, {"dining table": 0.7}),
        ("people", {"person": 0.7}, {"horse": 0.7}),
        ("Great Dane", {"dog": 0.8, "Great Dane": 0.8}, {"dog": 0.8, "tabby": 0.1}),
    ],
)
def test_a_text_is_near_the_images_that_it_means(
    space: SemanticSpace, text: str, nearer: dict[str, float], further: dict[str, float]
) -> None:
    vector = space.embed_text(text)
    near = float(vector @ image(space, nearer))
    assert near > NEAR_NOTHING
    assert near > float(vector @ image(space, further)) + 0.1


def test_a_color_decides_between_images_of_the_same_thing(space: SemanticSpace) -> None:
    vector = space.embed_text("red car")
    red, blue = (image(space, {"car": 0.8}, {color: 0.4}) for color in ("red", "blue"))
    assert float(vector @ red) > float(vector @ blue) + 0.05
    assert float(vector @ blue) > NEAR_NOTHING


@pytest.mark.parametrize("text", ["qwrtzp blorv", "Ünbekannt", "猫", "the of and", "!?", "42", "x" * 4000])
def test_a_text_without_a_known_word_is_far_from_everything(space: SemanticSpace, text: str) -> None:
    vector = space.embed_text(text)
    images: list[dict[str, float]] = [{"cat": 0.9}, {"person": 0.7}, {"building": 0.6}, {}]
    for tags in images:
        assert abs(float(vector @ image(space, tags, {"red": 0.5}))) < NEAR_NOTHING


def test_an_image_of_which_nothing_is_known_is_far_from_every_noun(space: SemanticSpace) -> None:
    for text in ("cat", "person", "building"):
        assert abs(float(space.embed_text(text) @ image(space, {}))) < NEAR_NOTHING


def test_similar_images_are_near_each_other(space: SemanticSpace) -> None:
    cat, other_cat, dog, car = (
        image(space, {"cat": 0.9, "mammal": 0.9, "tabby": 0.5}),
        image(space, {"cat": 0.7, "mammal": 0.7, "Egyptian cat": 0.6}),
        image(space, {"dog": 0.9, "mammal": 0.9}),
        image(space, {"car": 0.9}),
    )
    assert float(cat @ other_cat) > float(cat @ dog) > float(cat @ car) + 0.1


def test_a_kite_is_a_toy_or_a_bird(space: SemanticSpace) -> None:
    for text in ("kite", "toy", "bird of prey"):
        assert float(space.embed_text(text) @ image(space, {"kite": 0.9})) > NEAR_NOTHING


@settings(max_examples=200)
@given(text=st.text(max_size=200))
def test_every_text_has_a_vector_of_length_1(text: str) -> None:
    vector = SPACE.embed_text(text)
    assert vector.shape == (1024,)
    assert float(np.linalg.norm(vector)) == pytest.approx(1.0, abs=1e-5)


def test_vectors_are_the_same_on_every_machine(space: SemanticSpace) -> None:
    """Stored vectors must stay comparable: a change needs another model version."""
    assert DIMENSIONS == 1024
    signs = space.embed_text("qwrtzp") > 0
    # printf 'word qwrtzp' | openssl dgst -shake256 -xoflen 128
    assert "".join(str(int(sign)) for sign in signs[:32]) == "11101111000110101100100000111001"
    assert signs.sum() == 525


def test_a_lexicon_is_needed(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        SemanticSpace(tmp_path / "lexicon.npz")
