"""Parsers of image headers: dimensions and format, without decoding pixels.

Each parser reads fixed offsets, or a bounded number of segments or directory entries, and copies only a few bytes.
Pillow has no such bounds when it opens a file (docs/decisions/0033).

The parsers raise ValueError, IndexError or struct.error for a header that cannot be read.
"""

import struct
import zlib
from collections.abc import Iterator

from common.domain.models import ImageFormat, ImageInfo

# A file of 20 MB has 320 segments of the largest size, 64 KB.
_MAX_JPEG_SEGMENTS = 2_000
# Baseline TIFF has 36 tags; files with private tags have about a hundred.
_MAX_TIFF_ENTRIES = 4_096
# An icon has one image for each of its sizes, about ten.
_MAX_ICON_IMAGES = 256

_TIFF_WIDTH = 256
_TIFF_HEIGHT = 257
# "Number of Images" of the multi-picture format, CIPA DC-007.
_MPF_IMAGE_COUNT = 0xB001
# Inline values by TIFF's field types SHORT, LONG and LONG8.
_TIFF_VALUES = {3: "H", 4: "I", 16: "Q"}
# Markers without a length, by https://www.w3.org/Graphics/JPEG/itu-t81.pdf, table B.1: TEM, RST0 to RST7, SOI.
_JPEG_STANDALONE = frozenset({0x01, *range(0xD0, 0xD9)})
# SOF0 to SOF15; 0xC4, 0xC8 and 0xCC in the same range are tables and an extension.
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_END = 0xD9
_JPEG_SCAN = 0xDA
_JPEG_APP1 = 0xE1
_JPEG_APP2 = 0xE2
_PNG_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_BMP_HEADER_SIZES = frozenset({40, 52, 56, 64, 108, 124})


def parse_header(content: bytes) -> ImageInfo:
    """Return the width, height and format that a file declares.

    Args:
        content: the whole file.

    Raises:
        ValueError: the file has none of the eight formats, or its header is damaged.
        IndexError: the file ends within its header.
        struct.error: the file ends within its header.
    """
    if content.startswith(_PNG_START):
        return _create_info(_png(content, 0), ImageFormat.PNG)
    if content.startswith(b"\xff\xd8\xff"):
        return _jpeg(content)
    if content.startswith((b"GIF87a", b"GIF89a")):
        return _create_info(struct.unpack_from("<HH3x", content, 6), ImageFormat.GIF)
    if content.startswith(b"BM"):
        return _create_info(_bmp(content, 14), ImageFormat.BMP)
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return _create_info(_webp(content), ImageFormat.WEBP)
    if content.startswith(b"\x00\x00\x01\x00"):
        return _create_info(_ico(content), ImageFormat.ICO)
    if content.startswith((b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")):
        return _create_info(_tiff(content), ImageFormat.TIFF)
    raise ValueError("the file begins like none of the formats")


def _create_info(size: tuple[int, ...], image_format: ImageFormat) -> ImageInfo:
    width, height = size
    return ImageInfo(width=width, height=height, format=image_format)


def _png(content: bytes, start: int) -> tuple[int, ...]:
    """Read IHDR, which is always the first chunk: https://www.w3.org/TR/png-3/#11IHDR."""
    width, height, checksum = struct.unpack_from(">II5xI", content, start + 16)
    if zlib.crc32(content[start + 12 : start + 29]) != checksum:
        raise ValueError("the checksum of IHDR is wrong")
    return width, height


def _bmp(content: bytes, start: int) -> tuple[int, ...]:
    """Read the bitmap header that follows the file header; https://learn.microsoft.com/windows/win32/gdi/bitmap-header-types."""
    (size,) = struct.unpack_from("<I", content, start)
    if size == 12:
        return struct.unpack_from("<HH", content, start + 4)
    if size not in _BMP_HEADER_SIZES:
        raise ValueError(f"no bitmap header has {size} bytes")
    width, height = struct.unpack_from("<ii", content, start + 4)
    if width < 0:
        raise ValueError("the width is negative")
    return width, abs(height)  # a bitmap from top to bottom has a negative height


def _webp(content: bytes) -> tuple[int, ...]:
    """https://developers.google.com/speed/webp/docs/riff_container and, for its first chunks, RFC 9649."""
    chunk = content[12:16]
    if chunk == b"VP8X":
        width, high, height, higher = struct.unpack_from("<HBHB", content, 24)
        return (width | high << 16) + 1, (height | higher << 16) + 1
    if chunk == b"VP8L" and content[20] == 0x2F:
        (bits,) = struct.unpack_from("<I", content, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 " and content[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", content, 26)
        return width & 0x3FFF, height & 0x3FFF
    raise ValueError(f"{chunk!r} is no first chunk of a WebP file")


def _ico(content: bytes) -> tuple[int, ...]:
    """Return the size of an icon's largest image, by the images' own headers: the directory has one byte for each side.

    https://learn.microsoft.com/previous-versions/ms997538(v=msdn.10)
    """
    (count,) = struct.unpack_from("<H", content, 4)
    if count > _MAX_ICON_IMAGES:
        raise ValueError(f"an icon of {count} images")
    sizes: list[tuple[int, ...]] = []
    for entry in range(count):
        (start,) = struct.unpack_from("<I", content, 6 + 16 * entry + 12)
        if content.startswith(_PNG_START, start):
            sizes.append(_png(content, start))
        else:
            width, height = _bmp(content, start)
            sizes.append((width, height // 2))  # the height includes the mask
    return max(sizes, key=lambda size: size[0] * size[1])


def _tiff(content: bytes) -> tuple[int, ...]:
    """Return the size in the first directory.

    https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf, section 2
    """
    values = dict(_tiff_values(content, 0))
    if _TIFF_WIDTH not in values or _TIFF_HEIGHT not in values:
        raise ValueError("the directory names no dimensions")
    return values[_TIFF_WIDTH], values[_TIFF_HEIGHT]


def _tiff_values(content: bytes, base: int) -> Iterator[tuple[int, int]]:
    """Yield the tags of the first directory that have one integer; `base` is the offset of the TIFF header."""
    order = {b"II": "<", b"MM": ">"}[content[base : base + 2]]
    (version,) = struct.unpack_from(f"{order}H", content, base + 2)
    big = version == 43  # BigTIFF: https://www.awaresystems.be/imaging/tiff/bigtiff.html
    (start,) = struct.unpack_from(f"{order}Q" if big else f"{order}I", content, base + (8 if big else 4))
    entries, entry, size, value = ("Q", "HHQ", 20, 12) if big else ("H", "HHI", 12, 8)
    (count,) = struct.unpack_from(order + entries, content, base + start)
    if count > _MAX_TIFF_ENTRIES:
        raise ValueError(f"a directory of {count} entries")
    position = base + start + struct.calcsize(f"={entries}")
    for _ in range(count):
        tag, field_type, value_count = struct.unpack_from(order + entry, content, position)
        if value_count == 1 and field_type in _TIFF_VALUES:
            yield tag, struct.unpack_from(order + _TIFF_VALUES[field_type], content, position + value)[0]
        position += size


def _jpeg(content: bytes) -> ImageInfo:
    """Return the dimensions in the frame header. A file with several images has the format MPO, as in Pillow."""
    position = 2
    has_several_images = False
    has_gain_map = False
    for _ in range(_MAX_JPEG_SEGMENTS):
        position = content.index(b"\xff", position) + 1
        marker = content[position]
        if marker in {0x00, 0xFF}:  # a stuffed zero byte, or a fill byte before a marker
            continue
        position += 1
        if marker in _JPEG_STANDALONE:
            continue
        if marker in {_JPEG_END, _JPEG_SCAN}:
            break
        if marker in _JPEG_FRAMES:
            height, width = struct.unpack_from(">HH", content, position + 3)
            is_multi_picture = has_several_images and not has_gain_map
            return _create_info((width, height), ImageFormat.MPO if is_multi_picture else ImageFormat.JPEG)
        (length,) = struct.unpack_from(">H", content, position)
        if length < 2:
            raise ValueError(f"a segment of {length} bytes")
        if marker == _JPEG_APP2 and content.startswith(b"MPF\x00", position + 2):
            has_several_images = dict(_tiff_values(content, position + 6)).get(_MPF_IMAGE_COUNT, 0) > 1
        elif marker == _JPEG_APP1 and content.find(b' hdrgm:Version="', position, position + length) >= 0:
            # An Ultra HDR photo: its second image is the gain map of the first one.
            # https://developer.android.com/media/platform/hdr-image-format
            has_gain_map = True
        position += length
    raise ValueError("there is no frame header")
