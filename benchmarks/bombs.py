"""Files of every accepted format that are made to cost time or memory, none of them over the size limit but one."""

import gzip
import random
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

_LIMIT = 20_971_520
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TIFF_ENTRY = struct.pack("<HHII", 1, 4, 1, 1)


@dataclass(frozen=True, kw_only=True)
class Bomb:
    """A blob to be: `make` gives its content, `encoding` is its Content-Encoding."""

    name: str
    make: Callable[[], bytes]
    encoding: str | None = None


def _compressed(size: int, start: bytes, window_bits: int) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, window_bits)
    chunks = [compressor.compress(start)]
    chunks += [compressor.compress(bytes(1 << 20)) for _ in range(size >> 20)]
    return b"".join([*chunks, compressor.flush()])


def _gzip_nested() -> bytes:
    """A header, then the same compressed megabyte until the file is full: about 20 GB."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, 31)
    start = compressor.compress(_png_start(64, 60)) + compressor.flush(zlib.Z_FULL_FLUSH)
    block = compressor.compress(bytes(1 << 20)) + compressor.flush(zlib.Z_FULL_FLUSH)
    return start + block * ((_LIMIT - len(start)) // len(block))


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png_start(width: int, height: int) -> bytes:
    return _PNG_SIGNATURE + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def _png(width: int, height: int, between: bytes = b"", pixels: bytes = b"") -> bytes:
    return _png_start(width, height) + between + _chunk(b"IDAT", pixels) + _chunk(b"IEND", b"")


def _png_texts() -> bytes:
    """Texts of a megabyte each, which Python keeps with four bytes a character because of the first one."""
    text = zlib.compress(("\U0001f600" + "a" * 1_000_000).encode(), 9)
    return b"".join(_chunk(b"iTXt", b"%d\0\1\0\0\0" % number + text) for number in range(63))


def _filled(start: bytes, end: bytes, piece: bytes) -> bytes:
    return start + piece * ((_LIMIT - len(start) - len(end)) // len(piece)) + end


def _jpeg_end(width: int, height: int) -> bytes:
    frame = b"\xff\xc0\0\x11\x08" + struct.pack(">HH", height, width) + b"\3\1\x22\0\2\x11\1\3\x11\1"
    return frame + b"\xff\xda\0\x0c\3\1\0\2\x11\3\x11\0\x3f\0" + bytes(100) + b"\xff\xd9"


def _jpeg_index(directory: bytes) -> bytes:
    segment = b"MPF\0" + directory
    return b"\xff\xd8\xff\xe2" + struct.pack(">H", min(len(segment) + 2, 65_535)) + segment + _jpeg_end(64, 60)


def _gif(width: int, height: int, piece: bytes = b"", before: bytes = b"") -> bytes:
    start = b"GIF89a" + struct.pack("<HH", width, height) + b"\0\0\0" + before
    end = (b"\0" if before else b"") + b"," + struct.pack("<HHHH", 0, 0, width, height) + b"\0\2\0;"
    return _filled(start, end, piece) if piece else start + end


def _bmp_header(width: int, height: int) -> bytes:
    return struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


def _webp(width: int, height: int) -> bytes:
    canvas = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    body = b"WEBPVP8X" + struct.pack("<I", len(canvas)) + canvas + b"VP8L" + bytes(40)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _ico(image: bytes, count: int = 1) -> bytes:
    entry = struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, len(image), 6 + 16 * count)
    return struct.pack("<HHH", 0, 1, count) + entry * count + image


def _ico_decoded() -> bytes:
    """An icon whose image of 24,000 by 24,000 pixels can really be decoded."""
    return _ico(_png(24_000, 24_000, pixels=_compressed(24_000 * (3 * 24_000 + 1), b"", zlib.MAX_WBITS)))


def _tiff(entries: bytes, count: int | None = None) -> bytes:
    number = len(entries) // 12 if count is None else count
    return b"II*\0\x08\0\0\0" + struct.pack("<H", number) + entries


def _tiff_huge() -> bytes:
    return _tiff(struct.pack("<HHIIHHII", 256, 4, 1, 2**32 - 1, 257, 4, 1, 2**32 - 1))


def _tiff_arrays() -> bytes:
    """Every entry is a text of twenty megabytes, all the same ones."""
    entries = b"".join(struct.pack("<HHII", 1_000 + tag, 2, _LIMIT - 60_000, 0) for tag in range(4_000))
    return _tiff(entries).ljust(_LIMIT, b"a")


def _random() -> bytes:
    return _png_start(15_000, 15_000) + random.Random(1).randbytes(_LIMIT - 33)  # noqa: S311 (no secret)


BOMBS = (
    Bomb(name="gzip of 600 MB", make=lambda: _compressed(600 << 20, b"", 31), encoding="gzip"),
    Bomb(name="gzip of a PNG and 20 GB", make=_gzip_nested, encoding="gzip"),
    Bomb(name="deflate of 600 MB", make=lambda: _compressed(600 << 20, b"", 15), encoding="deflate"),
    Bomb(
        name="gzip of as much as is accepted",
        make=lambda: gzip.compress(_png_start(64, 60).ljust(_LIMIT, b"\0")),
        encoding="gzip",
    ),
    Bomb(
        name="gzip that cannot be compressed",
        make=lambda: gzip.compress(_random()[: _LIMIT - 9_000], 1),
        encoding="gzip",
    ),
    Bomb(name="PNG of as much as is accepted", make=_random),
    Bomb(name="PNG labeled as gzip", make=_random, encoding="gzip"),
    Bomb(name="PNG of 2^31 pixels a side", make=lambda: _png(2**31 - 1, 2**31 - 1)),
    Bomb(
        name="PNG of 1.7 million chunks",
        make=lambda: _filled(_png_start(64, 60), _chunk(b"IDAT", b""), _chunk(b"abCd", b"")),
    ),
    Bomb(name="PNG of 63 compressed texts", make=lambda: _png(64, 60, _png_texts())),
    Bomb(name="JPEG of 65,535 pixels a side", make=lambda: b"\xff\xd8\xff\xe0\0\2" + _jpeg_end(65_535, 65_535)),
    Bomb(name="JPEG of 5 million segments", make=lambda: _filled(b"\xff\xd8", _jpeg_end(64, 60), b"\xff\xe5\0\2")),
    Bomb(name="JPEG of filling", make=lambda: _filled(b"\xff\xd8", _jpeg_end(64, 60), b"\xff")),
    Bomb(name="JPEG without markers", make=lambda: _filled(b"\xff\xd8\xff\xe0\0\2", b"", b"\1")),
    Bomb(
        name="JPEG of 20 MB of profile",
        make=lambda: _filled(
            b"\xff\xd8", _jpeg_end(64, 60), b"\xff\xe2\xff\xff" + b"ICC_PROFILE\0\1\1".ljust(65_533, b"a")
        ),
    ),
    Bomb(name="GIF of 65,535 pixels a side", make=lambda: _gif(65_535, 65_535)),
    Bomb(name="GIF of 4 million comments", make=lambda: _gif(64, 60, b"!\xfe\1a\0")),
    Bomb(name="GIF of one comment in 10 million parts", make=lambda: _gif(64, 60, b"\1a", b"!\xfe")),
    Bomb(name="BMP of 2^31 pixels a side", make=lambda: b"BM" + bytes(12) + _bmp_header(2**31 - 1, -(2**31 - 1))),
    Bomb(name="WEBP of 2^24 pixels a side", make=lambda: _webp(2**24, 2**24)),
    Bomb(name="WEBP of 16,383 pixels a side", make=lambda: _webp(16_383, 16_383)),
    Bomb(name="ICO of a PNG of 24,000 pixels a side", make=_ico_decoded),
    Bomb(name="ICO of a BMP of 2^31 pixels a side", make=lambda: _ico(_bmp_header(2**31 - 1, 2**31 - 1))),
    Bomb(name="ICO of 65,535 images", make=lambda: _ico(_png(64, 60), 65_535)),
    Bomb(name="TIFF of 2^32 pixels a side", make=_tiff_huge),
    Bomb(name="TIFF of 65,535 entries", make=lambda: _tiff(_TIFF_ENTRY * 65_535)),
    Bomb(name="TIFF of 4,000 texts of 20 MB", make=_tiff_arrays),
    Bomb(name="BigTIFF of 2^63 entries", make=lambda: b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**63)),
    Bomb(name="MPO of 65,535 entries", make=lambda: _jpeg_index(_tiff(_TIFF_ENTRY * 5_400, 65_535))),
    Bomb(name="a file of 60 MB", make=lambda: bytes(60_000_000)),
    Bomb(name="an empty file", make=bytes),
)
