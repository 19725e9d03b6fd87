"""The parser of WordNet's noun file, on lines of it."""

from pathlib import Path

import pytest

from emulator.services.vision.weights.wordnet import Nouns, Sense, Synset, parse_synset, read_senses

# A shortened line of data.noun: two words, one hypernym, one instance hypernym, one hyponym, and a gloss with a bar.
LINE = (
    "02124272 05 n 02 cat 0 true_cat 0 003 @ 02123649 n 0000 @i 00015568 n 0000 ~ 02124460 n 0000"
    " | feline mammal usually having thick soft fur | no ability to roar\n"
)


def test_a_line_gives_lemmas_and_hypernyms() -> None:
    assert parse_synset(LINE) == Synset(
        offset=2124272,
        lemmas=("cat", "true_cat"),
        hypernyms=(2123649, 15568),
        definition="feline mammal usually having thick soft fur | no ability to roar",
    )


def test_a_definition_ends_where_the_examples_begin() -> None:
    line = '00000001 05 n 01 bird 0 000 | animal; flies; "the bird sings"; "a bird"\n'
    assert parse_synset(line).definition == "animal; flies"


def test_senses_are_in_the_order_of_their_numbers_and_those_of_nouns(tmp_path: Path) -> None:
    path = tmp_path / "index.sense"
    path.write_text("cat%1:18:01:: 09920106 2 0\ncat%1:05:00:: 02124272 1 18\ncat%2:35:00:: 01411870 1 0\n")
    assert read_senses(path) == {"cat": [Sense(offset=2124272, count=18), Sense(offset=9920106, count=0)]}


def test_the_count_of_words_is_hexadecimal() -> None:
    words = " ".join(f"word{index} 0" for index in range(0x1A))
    synset = parse_synset(f"00000001 05 n 1a {words} 001 @ 00000002 n 0000 | gloss\n")
    assert len(synset.lemmas) == 26
    assert synset.hypernyms == (2,)


def test_ancestors_follow_every_hypernym_once() -> None:
    nouns = Nouns(
        [
            Synset(offset=1, lemmas=("animal",), hypernyms=()),
            Synset(offset=2, lemmas=("canine",), hypernyms=(1,)),
            Synset(offset=3, lemmas=("pet", "domestic_animal"), hypernyms=(1,)),
            Synset(offset=4, lemmas=("dog",), hypernyms=(2, 3)),
            Synset(offset=5, lemmas=("Pet",), hypernyms=()),
        ]
    )
    assert nouns.ancestors(4) == {1, 2, 3, 4}
    assert nouns.distances(4) == {4: 0, 2: 1, 3: 1, 1: 2}
    assert sorted(nouns) == [1, 2, 3, 4, 5]
    assert nouns.find("PET") == {3, 5}
    assert nouns.find("cat") == set()
    with pytest.raises(KeyError):
        nouns.synset(6)
