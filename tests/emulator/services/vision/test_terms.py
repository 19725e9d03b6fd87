"""The terms of a text, with a few known nouns."""

import pytest

from emulator.services.vision.terms import Term, find_terms

NOUNS = {
    "cat",
    "space suit",
    "suit",
    "launch pad",
    "woman",
    "person",
    "box",
    "church",
    "berry",
    "glass",
    "t shirt",
    "in",
}


def nouns(text: str) -> list[str]:
    return [term.text for term in find_terms(text, NOUNS) if term.is_noun]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("A cat!", ["cat"]),
        ("cats", ["cat"]),
        ("boxes and churches, berries; glasses", ["box", "church", "berry", "glass"]),
        ("women", ["woman"]),
        ("people", ["person"]),
        ("an orange space suit", ["space suit"]),
        ("two suits on the launch pads", ["suit", "launch pad"]),
        ("T-shirt", ["t shirt"]),
        ("in", []),
        ("", []),
        ("... ???", []),
    ],
)
def test_nouns_are_found_in_the_singular_and_the_longest_first(text: str, expected: list[str]) -> None:
    assert nouns(text) == expected


def test_other_words_are_terms_too_and_stop_words_are_not() -> None:
    assert find_terms("the Grey cat of qwrtzp", NOUNS) == [
        Term(text="gray", is_noun=False),
        Term(text="cat", is_noun=True),
        Term(text="qwrtzp", is_noun=False),
    ]
