"""Names of images: what is stored, and what an attacker could try."""

import pytest
from image_api.domain.blob_names import BlobNameError, add_suffix, check_blob_name


@pytest.mark.parametrize(
    ("name", "stored"),
    [
        ("cat.png", "cat.png"),
        ("holiday/beach 1.jpg", "holiday/beach 1.jpg"),
        ("100%.png", "100%.png"),
        ("a?b#c.png", "a?b#c.png"),
        ("%2e%2e/cat.png", "%2e%2e/cat.png"),
        ("Ünïcode/猫.png", "Ünïcode/猫.png"),
        # "e" and an accent become one character, so that two names that look the same are the same.
        ("cafe\u0301.png", "caf\u00e9.png"),
        ("x" * 255, "x" * 255),
        ("/".join(["a"] * 20), "/".join(["a"] * 20)),
    ],
)
def test_names_are_stored_in_the_composed_form(name: str, stored: str) -> None:
    assert check_blob_name(name) == stored


@pytest.mark.parametrize(
    "name",
    [
        "",
        "x" * 256,
        "/cat.png",
        "cat.png/",
        "a//b.png",
        "../images/cat.png",
        "a/../../other/cat.png",
        "./cat.png",
        "a/.",
        "..",
        "a\\..\\b.png",
        "a/ b.png",
        "a /b.png",
        "cat.png.",
        "cat\x00.png",
        "cat\n.png",
        "cat\r\nx-ms-meta-a: b",
        "cat\x7f.png",
        "cat\u202egnp.exe",
        "cat\u200b.png",
        "cat\u2028.png",
        "cat\ue000.png",
        "/".join(["a"] * 21),
    ],
)
def test_a_name_that_could_be_read_in_another_way_is_not_allowed(name: str) -> None:
    with pytest.raises(BlobNameError):
        check_blob_name(name)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cat.png", "cat-x.png"),
        ("a.b/cat.png", "a.b/cat-x.png"),
        ("cat", "cat-x"),
        ("a/cat", "a/cat-x"),
        (".png", ".png-x"),
        ("a/.png", "a/.png-x"),
        ("cat.tar.gz", "cat.tar-x.gz"),
    ],
)
def test_a_suffix_stands_before_the_extension(name: str, expected: str) -> None:
    assert add_suffix(name, "x") == expected
