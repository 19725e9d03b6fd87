"""The lexicon, from a WordNet of a few synsets."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from emulator.services.vision.weights.lexicon import Lexicon, Row, create_lexicon
from emulator.services.vision.weights.wordnet import Nouns, Sense, Synset

WORDNET = Nouns(
    Synset(offset=offset, lemmas=(lemma,), hypernyms=hypernyms, definition=definition)
    for offset, lemma, hypernyms, definition in [
        (1, "entity", (), "what is"),
        (2, "animal", (1,), "an entity that lives"),
        (3, "cat", (2,), "an animal with whiskers"),
        (4, "young animal", (2,), "any animal of no great age"),
        (5, "kitten", (4,), "a young cat with ideas"),
        (6, "tabby", (3,), "a striped cat"),
        (7, "idea", (1,), "what is thought"),
        (8, "bank", (7,), "an idea"),
        (9, "bank", (3,), "a cat by the river"),
        (10, "toy cat", (1,), "an entity for children"),
        # So that an animal says something: most synsets are none.
        *((offset, f"thing {offset}", (1,), "an entity") for offset in range(11, 60)),
    ]
)
SENSES = {
    "animal": [Sense(offset=2, count=9)],
    "cat": [Sense(offset=3, count=5)],
    "young animal": [Sense(offset=4, count=0)],
    "kitten": [Sense(offset=5, count=0)],
    "tabby": [Sense(offset=6, count=0)],
    "idea": [Sense(offset=7, count=7)],
    "bank": [Sense(offset=8, count=0), Sense(offset=9, count=0)],
}


@pytest.fixture
def lexicon() -> Lexicon:
    return create_lexicon(WORDNET, SENSES, {"cat": {3}, "tabby": {6}, "animal": {2}, "cat on wheels": {10}})


def by_name(rows: Sequence[Row]) -> dict[str, Row]:
    return {row.name: row for row in rows}


def test_every_tag_means_its_synset_and_less_what_is_above(lexicon: Lexicon) -> None:
    tags = by_name(lexicon.tags)
    assert set(tags) == {"animal", "cat", "cat on wheels", "tabby"}
    assert tags["cat"].weights[3] == 1.0
    assert 0 < tags["cat"].weights[2] < 0.7
    assert tags["tabby"].weights.keys() == {6, 3, 2}
    # "entity" is above everything, and says nothing.
    assert tags["cat on wheels"].weights == {10: 1.0}


def test_a_noun_means_what_tags_can_mean_and_one_thing_of_its_own(lexicon: Lexicon) -> None:
    kitten = by_name(lexicon.nouns)["kitten"]
    # Through its definition: a cat. Through what is above it: an animal.
    assert kitten.weights.keys() == {2, 3}
    assert kitten.weights[3] > kitten.weights[2]
    assert 0 < kitten.own < 0.5
    assert kitten.own**2 + sum(weight**2 for weight in kitten.weights.values()) == pytest.approx(1.0)


def test_a_meaning_that_photos_can_show_is_likelier(lexicon: Lexicon) -> None:
    bank = by_name(lexicon.nouns)["bank"]
    # Four fifths for the cat, one fifth for the idea, which is invisible.
    assert bank.weights[3] > 0.9
    assert bank.own < 0.3


def test_nouns_that_no_photo_can_show_are_left_out(lexicon: Lexicon) -> None:
    assert "idea" not in by_name(lexicon.nouns)


def test_it_is_written_as_arrays_by_the_numbers_of_synsets(lexicon: Lexicon, tmp_path: Path) -> None:
    lexicon.save(tmp_path / "lexicon.npz")
    with np.load(tmp_path / "lexicon.npz") as arrays:
        assert arrays["synsets"].tolist() == [2, 3, 6, 10]
        assert arrays["tag_names"].tolist() == [b"animal", b"cat", b"cat on wheels", b"tabby"]
        assert arrays["tag_ends"].tolist() == [1, 3, 4, 7]
        assert arrays["tag_synsets"].tolist()[:4] == [0, 1, 0, 3]
        assert arrays["tag_own"].tolist() == [0, 0, 0, 0]
