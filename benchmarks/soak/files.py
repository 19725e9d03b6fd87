"""The files that the soak test uploads, each with the record that it must have in the end."""

import gzip
import hashlib
import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL import Image

from benchmarks.bombs import BOMBS
from client.samples import sample_photos

# Shares of the files that are not hostile.
_SAME_SHARE = 0.10
_INVALID_SHARE = 0.05
_OVERWRITTEN_SHARE = 0.05
# Reason codes of content that is not read to its end, and so has no hash.
_REASONS_WITHOUT_HASH = frozenset({"BadContentEncoding", "TooLarge"})
_GZIP_START = b"\x1f\x8b"
# The reason code of each file of `benchmarks/bombs.py`. InvalidImageFormat is the analyzer's, the others are our own.
BOMB_REASONS = {
    "gzip of 600 MB": "TooLarge",
    "gzip of a PNG and 20 GB": "TooLarge",
    "deflate of 600 MB": "TooLarge",
    "gzip of as much as is accepted": "InvalidImageFormat",
    "gzip that cannot be compressed": "InvalidImageFormat",
    "PNG of as much as is accepted": "InvalidImageFormat",
    "PNG labeled as gzip": "InvalidImageFormat",
    "PNG of 2^31 pixels a side": "BadDimensions",
    "PNG of 1.7 million chunks": "InvalidImageFormat",
    "PNG of 63 compressed texts": "InvalidImageFormat",
    "JPEG of 65,535 pixels a side": "BadDimensions",
    "JPEG of 5 million segments": "NotAnImage",
    "JPEG of filling": "NotAnImage",
    "JPEG without markers": "NotAnImage",
    "JPEG of 20 MB of profile": "InvalidImageFormat",
    "GIF of 65,535 pixels a side": "BadDimensions",
    "GIF of 4 million comments": "InvalidImageFormat",
    "GIF of one comment in 10 million parts": "InvalidImageFormat",
    "BMP of 2^31 pixels a side": "BadDimensions",
    "WEBP of 2^24 pixels a side": "BadDimensions",
    "WEBP of 16,383 pixels a side": "BadDimensions",
    "ICO of a PNG of 24,000 pixels a side": "BadDimensions",
    "ICO of a BMP of 2^31 pixels a side": "BadDimensions",
    "ICO of 65,535 images": "NotAnImage",
    "TIFF of 2^32 pixels a side": "BadDimensions",
    "TIFF of 65,535 entries": "NotAnImage",
    "TIFF of 4,000 texts of 20 MB": "NotAnImage",
    "BigTIFF of 2^63 entries": "NotAnImage",
    "MPO of 65,535 entries": "NotAnImage",
    "a file of 60 MB": "TooLarge",
    "an empty file": "EmptyFile",
}


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of a blob.

    Attributes:
        make: Returns the bytes that are stored; large files are made only when they are uploaded.
        encoding: The Content-Encoding.
        reason: The reason code with which it must be rejected; None if it must be classified.
    """

    make: Callable[[], bytes]
    encoding: str | None = None
    reason: str | None = None

    @property
    def status(self) -> str:
        """The status that its record must have."""
        return "classified" if self.reason is None else "rejected"

    def sha256(self, stored: bytes) -> str | None:
        """The `contentSha256` that its record must have."""
        if self.reason in _REASONS_WITHOUT_HASH:
            return None
        compressed = self.encoding is not None and stored.startswith(_GZIP_START)
        return hashlib.sha256(gzip.decompress(stored) if compressed else stored).hexdigest()


@dataclass(kw_only=True)
class ImageFile:
    """One blob: its versions, and what the soak test knows of it.

    Attributes:
        name: The blob's name.
        upload_name: The blob's name in the upload request, which may have dot segments.
        versions: The contents that are uploaded under the name, one after the other.
        hostile: Whether it is made to cost time or memory.
        etags: The ETags of the versions that were uploaded.
        sha256: The `contentSha256` that the record must have.
        record: The record, as it was last read.
    """

    name: str
    upload_name: str
    versions: Sequence[Version]
    hostile: bool = False
    etags: list[str] = field(default_factory=list)
    sha256: str | None = None
    record: dict[str, Any] | None = None

    @property
    def is_uploaded(self) -> bool:
        """Whether all versions are uploaded."""
        return len(self.etags) == len(self.versions)

    @property
    def has_expected_record(self) -> bool:
        """Whether the record is the one that the last version must have."""
        if self.record is None or not self.is_uploaded:
            return False
        blob = self.record["blob"]
        reason = self.record["reason"]
        expected = self.versions[-1]
        return (
            (blob["name"], blob["etag"], blob["contentSha256"]) == (self.name, self.etags[-1], self.sha256)
            and self.record["status"] == expected.status
            and (reason["code"] if reason else None) == expected.reason
        )


@dataclass(frozen=True, kw_only=True)
class _HostileFile:
    """A kind of hostile file; `directory` comes before the last segment of the name in the upload request."""

    make: Callable[[], bytes]
    encoding: str | None = None
    reason: str | None = None
    directory: str = ""


class ImageFiles:
    """Makes files from small crops of the sample photos; `generator` makes all random choices."""

    def __init__(self, generator: random.Random) -> None:
        self._generator = generator
        self._photos = [Image.open(path).convert("RGB") for path in sample_photos()]

    def make(self, count: int, hostile_share: float) -> list[ImageFile]:
        """`count` files; all contents are different except those that are the same on purpose."""
        hostile = self._choose_hostile_files(round(count * hostile_share))
        hostile_numbers = set(self._generator.sample(range(count), len(hostile)))
        files: list[ImageFile] = []
        for number in range(count):
            name = f"soak/{number:05}.jpg"
            if number in hostile_numbers:
                kind = hostile.pop()
                version = Version(make=kind.make, encoding=kind.encoding, reason=kind.reason)
                upload_name = f"soak/{kind.directory}{number:05}.jpg"
                files.append(ImageFile(name=name, upload_name=upload_name, versions=[version], hostile=True))
            else:
                files.append(ImageFile(name=name, upload_name=name, versions=self._versions(files)))
        return files

    def _versions(self, earlier: Sequence[ImageFile]) -> list[Version]:
        number = self._generator.random()
        if number < _INVALID_SHARE:
            return [self._invalid()]
        if number < _INVALID_SHARE + _SAME_SHARE:
            valid = [file for file in earlier[-200:] if not file.hostile and file.versions[-1].reason is None]
            if valid:
                return [self._generator.choice(valid).versions[-1]]
        if number < _INVALID_SHARE + _SAME_SHARE + _OVERWRITTEN_SHARE:
            return [self._photo(), self._photo()]
        return [self._photo()]

    def _invalid(self) -> Version:
        """A version that is not an image, as people upload it by mistake."""
        text = b"not an image " + self._generator.randbytes(8)
        cut_off = self._crop()[:5]
        content, reason = self._generator.choice([(b"", "EmptyFile"), (text, "NotAnImage"), (cut_off, "NotAnImage")])
        return Version(make=lambda: content, reason=reason)

    def _photo(self) -> Version:
        content = self._crop()
        return Version(make=lambda: content)

    def _crop(self) -> bytes:
        generator = self._generator
        photo = generator.choice(self._photos)
        width = generator.randint(min(photo.width, 120), min(photo.width, 300))
        height = generator.randint(min(photo.height, 100), min(photo.height, 300))
        left = generator.randint(0, photo.width - width)
        top = generator.randint(0, photo.height - height)
        image = photo.crop((left, top, left + width, top + height))
        image.putpixel((0, 0), (generator.randrange(256), generator.randrange(256), generator.randrange(256)))
        buffer = io.BytesIO()
        image.save(buffer, format=generator.choice(("JPEG", "PNG")))
        return buffer.getvalue()

    def _choose_hostile_files(self, count: int) -> list[_HostileFile]:
        """`count` kinds in random order, each once before any comes twice."""
        photo = self._crop()
        candidates = [
            *(_HostileFile(make=bomb.make, encoding=bomb.encoding, reason=BOMB_REASONS[bomb.name]) for bomb in BOMBS),
            # Its header is complete, so only the analyzer notices that the rest is missing.
            _HostileFile(make=lambda: photo[: len(photo) // 2], reason="InvalidImageFormat"),
            _HostileFile(make=lambda: gzip.compress(photo)[:-20], encoding="gzip", reason="BadContentEncoding"),
            _HostileFile(make=lambda: gzip.compress(photo), encoding="gzip"),
            # The client or the service resolves them before anything is stored (docs/decisions/0033).
            _HostileFile(make=lambda: photo, directory="other/../"),
            _HostileFile(make=lambda: photo, directory="./"),
        ]
        chosen: list[_HostileFile] = []
        while len(chosen) < count:
            chosen += self._generator.sample(candidates, len(candidates))
        return chosen[:count]
