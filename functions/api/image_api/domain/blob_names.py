"""Which names an image may be uploaded under.

Azure Storage allows more (https://learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata).
Names that another program could read as another path are not accepted, and none that a person could not tell apart.
"""

import unicodedata

# Leaves room for a suffix below Azure's limit of 1,024 characters, whatever a character takes in UTF-8.
MAX_NAME_CHARACTERS = 255
MAX_SEGMENTS = 20
# Control, format (such as the reversal of the writing direction), surrogate, private use and unassigned characters, and
# separators of lines and paragraphs.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class BlobNameError(ValueError):
    """The name is not allowed; the message has the reason."""


def check_blob_name(name: str) -> str:
    """Return the name in Unicode's composed form (NFC), in which it is stored.

    Raises:
        BlobNameError: the name is not allowed.
    """
    composed = unicodedata.normalize("NFC", name)
    if not composed or len(composed) > MAX_NAME_CHARACTERS:
        raise BlobNameError(f"a name has 1 to {MAX_NAME_CHARACTERS} characters, and this one has {len(composed)}")
    for character in composed:
        if unicodedata.category(character) in _REFUSED_CATEGORIES:
            raise BlobNameError(f"a name has no character U+{ord(character):04X}")
    if "\\" in composed:
        raise BlobNameError("a name has no backslash; folders are separated by slashes")
    segments = composed.split("/")
    if len(segments) > MAX_SEGMENTS:
        raise BlobNameError(f"a name has at most {MAX_SEGMENTS - 1} slashes")
    for segment in segments:
        if not segment:
            raise BlobNameError("a name does not begin or end with a slash, and has no two slashes in a row")
        if segment != segment.strip() or segment.endswith("."):
            raise BlobNameError(f"{segment!r} begins or ends with a blank, or ends with a dot")
    return composed


def add_suffix(name: str, suffix: str) -> str:
    """Return the name with a suffix before its extension: `a/cat.png` becomes `a/cat-SUFFIX.png`."""
    folder, slash, file = name.rpartition("/")
    stem, dot, extension = file.rpartition(".")
    if not stem:
        stem = file
        dot = ""
        extension = ""
    return f"{folder}{slash}{stem}-{suffix}{dot}{extension}"
