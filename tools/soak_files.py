"""The files that the soak test uploads, each with what must become of it."""

import gzip
import hashlib
import io
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from PIL import Image
from samples import samples

from benchmarks.bombs import BOMBS

_SAME, _INVALID, _OVERWRITTEN = 0.10, 0.05, 0.05
# Rejections of content that is not read to its end, and so has no hash.
_UNREAD = frozenset({"BadContentEncoding", "TooLarge"})
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
    """What is uploaded under a name at a time.

    Attributes:
        make: Gives the bytes that are stored; large files are made only when they are uploaded.
        encoding: The Content-Encoding.
        reason: The code of its rejection; None when it is to be classified.
    """

    make: Callable[[], bytes]
    encoding: str | None = None
    reason: str | None = None

    @property
    def status(self) -> str:
        """The status of its record."""
        return "classified" if self.reason is None else "rejected"

    def sha256(self, stored: bytes) -> str | None:
        """The `contentSha256` of its record."""
        if self.reason in _UNREAD:
            return None
        compressed = self.encoding is not None and stored.startswith(_GZIP_START)
        return hashlib.sha256(gzip.decompress(stored) if compressed else stored).hexdigest()


@dataclass(kw_only=True)
class ImageFile:
    """One blob: its versions, the last one last, and what was seen of it.

    Attributes:
        name: The blob's name.
        upload_name: The name in the request, which may have dot segments.
        versions: What is uploaded under the name, one after the other.
        hostile: Whether it is made to do harm.
        etags: Those of the versions that were uploaded.
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
        """Whether all versions are."""
        return len(self.etags) == len(self.versions)

    @property
    def is_right(self) -> bool:
        """Whether the record says what it should of the last version."""
        if self.record is None or not self.is_uploaded:
            return False
        blob, reason = self.record["blob"], self.record["reason"]
        expected = self.versions[-1]
        return (
            (blob["name"], blob["etag"], blob["contentSha256"]) == (self.name, self.etags[-1], self.sha256)
            and self.record["status"] == expected.status
            and (reason["code"] if reason else None) == expected.reason
        )


@dataclass(frozen=True, kw_only=True)
class _HostileFile:
    """A kind of hostile file; `directory` is put before the last part of the upload's name."""

    make: Callable[[], bytes]
    encoding: str | None = None
    reason: str | None = None
    directory: str = ""


class ImageFiles:
    """Makes files out of small crops of the sample photos."""

    def __init__(self, dice: random.Random) -> None:
        self._dice = dice
        self._photos = [Image.open(path).convert("RGB") for path in samples()]

    def make(self, count: int, hostile_share: float) -> list[ImageFile]:
        """So many files, all different but for those that are meant to be the same."""
        hostile = self._hostile_kinds(round(count * hostile_share))
        hostile_numbers = set(self._dice.sample(range(count), len(hostile)))
        found: list[ImageFile] = []
        for number in range(count):
            name = f"soak/{number:05}.jpg"
            if number in hostile_numbers:
                kind = hostile.pop()
                version = Version(make=kind.make, encoding=kind.encoding, reason=kind.reason)
                upload_name = f"soak/{kind.directory}{number:05}.jpg"
                found.append(ImageFile(name=name, upload_name=upload_name, versions=[version], hostile=True))
            else:
                found.append(ImageFile(name=name, upload_name=name, versions=self._versions(found)))
        return found

    def _versions(self, earlier: Sequence[ImageFile]) -> list[Version]:
        kind = self._dice.random()
        if kind < _INVALID:
            return [self._invalid()]
        if kind < _INVALID + _SAME:
            valid = [file for file in earlier[-200:] if not file.hostile and file.versions[-1].reason is None]
            if valid:
                return [self._dice.choice(valid).versions[-1]]
        if kind < _INVALID + _SAME + _OVERWRITTEN:
            return [self._photo(), self._photo()]
        return [self._photo()]

    def _invalid(self) -> Version:
        """What people upload by mistake."""
        text = b"not an image " + self._dice.randbytes(8)
        cut_off = self._picture()[:5]
        content, reason = self._dice.choice([(b"", "EmptyFile"), (text, "NotAnImage"), (cut_off, "NotAnImage")])
        return Version(make=lambda: content, reason=reason)

    def _photo(self) -> Version:
        content = self._picture()
        return Version(make=lambda: content)

    def _picture(self) -> bytes:
        dice = self._dice
        photo = dice.choice(self._photos)
        width = dice.randint(min(photo.width, 120), min(photo.width, 300))
        height = dice.randint(min(photo.height, 100), min(photo.height, 300))
        left = dice.randint(0, photo.width - width)
        top = dice.randint(0, photo.height - height)
        crop = photo.crop((left, top, left + width, top + height))
        crop.putpixel((0, 0), (dice.randrange(256), dice.randrange(256), dice.randrange(256)))
        buffer = io.BytesIO()
        crop.save(buffer, format=dice.choice(("JPEG", "PNG")))
        return buffer.getvalue()

    def _hostile_kinds(self, count: int) -> list[_HostileFile]:
        """So many kinds in random order, each once before any comes twice."""
        photo = self._picture()
        kinds = [
            *(_HostileFile(make=bomb.make, encoding=bomb.encoding, reason=BOMB_REASONS[bomb.name]) for bomb in BOMBS),
            # Its header is whole, so only the analyzer can find out.
            _HostileFile(make=lambda: photo[: len(photo) // 2], reason="InvalidImageFormat"),
            _HostileFile(make=lambda: gzip.compress(photo)[:-20], encoding="gzip", reason="BadContentEncoding"),
            _HostileFile(make=lambda: gzip.compress(photo), encoding="gzip"),
            # The client or the service resolves them before anything is stored (docs/decisions/0033).
            _HostileFile(make=lambda: photo, directory="other/../"),
            _HostileFile(make=lambda: photo, directory="./"),
        ]
        found: list[_HostileFile] = []
        while len(found) < count:
            found += self._dice.sample(kinds, len(kinds))
        return found[:count]
