"""Headers byte by byte: each field at its offset, in each byte order, up to the bounds that the parsers keep."""

import struct
import zlib
from collections.abc import Sequence

import pytest
from classifier.adapters.header_parsers import parse_header
from common.domain.models import ImageFormat, ImageInfo

WIDTH, HEIGHT = 0x0123, 0x0456


def size(content: bytes) -> tuple[int, int]:
    info = parse_header(content)
    return info.width, info.height


def check_refusal(content: bytes, match: str = "") -> None:
    with pytest.raises((ValueError, IndexError, struct.error), match=match or None):
        parse_header(content)


def png(width: int, height: int, *, checksum: int | None = None) -> bytes:
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    crc = zlib.crc32(header) if checksum is None else checksum
    return b"\x89PNG\r\n\x1a\n\0\0\0\r" + header + struct.pack(">I", crc)


def test_a_png_has_its_dimensions_in_ihdr_under_a_checksum() -> None:
    assert parse_header(png(70_000, 2)) == ImageInfo(width=70_000, height=2, format=ImageFormat.PNG)
    check_refusal(png(70_000, 2, checksum=1), "the checksum of IHDR is wrong")
    check_refusal(png(70_000, 2)[:-1])


@pytest.mark.parametrize("version", [b"GIF87a", b"GIF89a"])
def test_a_gif_has_its_dimensions_behind_its_version(version: bytes) -> None:
    content = version + struct.pack("<HH", WIDTH, HEIGHT) + b"\0\0\0"
    assert parse_header(content) == ImageInfo(width=WIDTH, height=HEIGHT, format=ImageFormat.GIF)
    check_refusal(content[:-1])
    check_refusal(b"GIF88a" + content[6:], "begins like none of the formats")


def bmp(header_size: int, width: int, height: int) -> bytes:
    return b"BM" + bytes(12) + struct.pack("<Iii", header_size, width, height)


@pytest.mark.parametrize("header_size", [40, 52, 56, 64, 108, 124])
def test_a_bitmap_of_any_header_has_its_dimensions_behind_the_headers_size(header_size: int) -> None:
    assert parse_header(bmp(header_size, 70_000, 2)) == ImageInfo(width=70_000, height=2, format=ImageFormat.BMP)
    assert size(bmp(header_size, 0, -5)) == (0, 5)
    check_refusal(bmp(header_size, -1, 2), "the width is negative")


def test_the_oldest_bitmap_has_short_dimensions() -> None:
    assert size(b"BM" + bytes(12) + struct.pack("<IHH", 12, 40_000, 50_000)) == (40_000, 50_000)


@pytest.mark.parametrize("header_size", [0, 11, 13, 16, 39, 41, 53, 125])
def test_a_bitmap_header_of_another_size_is_none(header_size: int) -> None:
    check_refusal(bmp(header_size, 64, 60), f"no bitmap header has {header_size} bytes")


def webp(kind: bytes, data: bytes) -> bytes:
    return b"RIFF\0\0\0\0WEBP" + kind + bytes(4) + data


@pytest.mark.parametrize(("width", "height"), [(1, 1), (256, 257), (65_536, 65_537), (16_777_216, 0x654321)])
def test_an_extended_webp_has_its_canvas_in_three_bytes_a_side_less_one(width: int, height: int) -> None:
    data = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    assert parse_header(webp(b"VP8X", data)) == ImageInfo(width=width, height=height, format=ImageFormat.WEBP)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (16_384, 1), (1, 16_384), (WIDTH, HEIGHT)])
@pytest.mark.parametrize("flags", [0, 0b1111])
def test_a_lossless_webp_has_its_dimensions_in_fourteen_bits_each_less_one(width: int, height: int, flags: int) -> None:
    bits = (width - 1) | (height - 1) << 14 | flags << 28
    assert size(webp(b"VP8L", b"\x2f" + struct.pack("<I", bits))) == (width, height)
    check_refusal(webp(b"VP8L", b"\x2e" + struct.pack("<I", bits)), "no first chunk of a WebP file")


@pytest.mark.parametrize("scale", [0, 0x4000, 0xC000])
def test_a_lossy_webp_has_its_dimensions_in_fourteen_bits_behind_its_start_code(scale: int) -> None:
    frame = struct.pack("<HH", 16_383 | scale, HEIGHT | scale)
    assert size(webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + frame)) == (16_383, HEIGHT)
    assert size(webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 7, 16_383 | scale))) == (7, 16_383)
    check_refusal(webp(b"VP8 ", b"\0\0\0\x9d\x01\x2b" + frame), "no first chunk of a WebP file")


def test_a_riff_file_of_another_kind_is_no_image() -> None:
    check_refusal(b"RIFF\0\0\0\0WAVEfmt " + bytes(40), "begins like none of the formats")
    check_refusal(webp(b"ALPH", bytes(40)), "is no first chunk of a WebP file")


def ico(images: Sequence[bytes], *, count: int | None = None, kind: int = 1) -> bytes:
    number = len(images) if count is None else count
    start, directory = 6 + 16 * len(images), b""
    for image in images:
        directory += struct.pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(image), start)
        start += len(image)
    return struct.pack("<HHH", 0, kind, number) + directory + b"".join(images)


def test_of_an_icons_images_the_one_with_the_most_pixels_counts() -> None:
    """A bitmap in an icon is twice as high as it looks: its mask lies below it."""
    images = [png(10, 50), bmp(40, 30, 60)[14:], png(20, 20), png(100, 2)]
    assert parse_header(ico(images)) == ImageInfo(width=30, height=30, format=ImageFormat.ICO)
    assert size(ico(images[:1])) == (10, 50)
    assert size(ico([bmp(40, 31, 61)[14:]])) == (31, 30)


@pytest.mark.parametrize(("count", "good"), [(256, True), (257, False)])
def test_an_icon_has_256_images_at_most(count: int, *, good: bool) -> None:
    content = ico([png(9, 8)] * count)
    if good:
        assert size(content) == (9, 8)
    else:
        check_refusal(content, "an icon of 257 images")


def test_an_icon_without_images_or_a_cursor_is_no_image() -> None:
    check_refusal(ico([]))
    check_refusal(ico([png(9, 8)], kind=2), "begins like none of the formats")


def tiff(
    order: str,
    entries: Sequence[tuple[int, int, int, int]],
    *,
    big: bool = False,
    gap: int = 0,
    count: int | None = None,
) -> bytes:
    """A TIFF file; an entry is its tag, type, number of values, and value."""
    number = len(entries) if count is None else count
    formats = {3: "H", 4: "I", 16: "Q"}
    start, values = (16, 8) if big else (8, 4)
    content = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    content += struct.pack(order + "HHQ", 8, 0, start + gap) if big else struct.pack(order + "I", start + gap)
    content += b"\x55" * gap + struct.pack(order + ("Q" if big else "H"), number)
    for tag, kind, amount, value in entries:
        content += struct.pack(order + ("HHQ" if big else "HHI"), tag, kind, amount)
        content += struct.pack(order + formats.get(kind, "I"), value).ljust(values, b"\x77")
    return content


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("big", "kind"), [(False, 3), (False, 4), (True, 3), (True, 4), (True, 16)])
@pytest.mark.parametrize("gap", [0, 300])
def test_a_tiff_of_either_byte_order_has_its_dimensions_in_its_first_directory(
    order: str, kind: int, gap: int, *, big: bool
) -> None:
    entries = [(254, 4, 1, 0), (256, kind, 1, WIDTH), (257, kind, 1, HEIGHT), (259, 3, 1, 1)]
    content = tiff(order, entries, big=big, gap=gap)
    assert parse_header(content) == ImageInfo(width=WIDTH, height=HEIGHT, format=ImageFormat.TIFF)


@pytest.mark.parametrize(
    "entries",
    [
        [(256, 4, 1, 5)],
        [(257, 4, 1, 5)],
        [(256, 4, 2, 5), (257, 4, 1, 5)],
        [(256, 5, 1, 5), (257, 4, 1, 5)],
        [(255, 4, 1, 5), (258, 4, 1, 5)],
        [],
    ],
)
def test_a_tiff_that_names_no_dimensions_is_refused(entries: list[tuple[int, int, int, int]]) -> None:
    check_refusal(tiff("<", entries), "the directory names no dimensions")


@pytest.mark.parametrize(("count", "good"), [(4_096, True), (4_097, False)])
def test_a_directory_has_4096_entries_at_most(count: int, *, good: bool) -> None:
    entries = [(1, 4, 1, 1)] * (count - 2) + [(256, 4, 1, 5), (257, 4, 1, 6)]
    if good:
        assert size(tiff("<", entries)) == (5, 6)
    else:
        check_refusal(tiff("<", entries), "a directory of 4097 entries")


def test_a_tiff_of_another_version_is_none() -> None:
    for start in (b"II\x2c\0", b"MM\0\x2c", b"IM*\0", b"II\0*"):
        check_refusal(start + bytes(40), "begins like none of the formats")


def segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def frame(marker: int = 0xC0, width: int = WIDTH, height: int = HEIGHT) -> bytes:
    return segment(marker, b"\x08" + struct.pack(">HH", height, width) + b"\x03")


def jpeg(*segments: bytes) -> bytes:
    return b"\xff\xd8" + b"".join(segments)


@pytest.mark.parametrize("marker", [*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)])
def test_every_kind_of_frame_has_the_dimensions(marker: int) -> None:
    assert parse_header(jpeg(frame(marker))) == ImageInfo(width=WIDTH, height=HEIGHT, format=ImageFormat.JPEG)


@pytest.mark.parametrize("marker", [0xC4, 0xC8, 0xCC, 0xDB, 0xDD, 0xE0, 0xFE])
def test_other_segments_are_skipped_by_their_length(marker: int) -> None:
    """Whatever lies in them, such as the frame of a thumbnail."""
    assert size(jpeg(segment(marker, frame(width=1, height=1)), frame())) == (WIDTH, HEIGHT)
    assert size(jpeg(segment(marker, b""), frame())) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("marker", [0x01, *range(0xD0, 0xD9)])
def test_markers_without_a_length_are_skipped(marker: int) -> None:
    assert size(jpeg(b"\xff\xfe\0\2", bytes([0xFF, marker]), frame())) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("filling", [b"\xff", b"\xff\xff\xff", b"\xff\0", b"\0\0\0"])
def test_filling_before_a_marker_is_skipped(filling: bytes) -> None:
    assert size(jpeg(b"\xff\xfe\0\2", filling, frame())) == (WIDTH, HEIGHT)


@pytest.mark.parametrize("marker", [0xD9, 0xDA])
def test_behind_the_end_or_the_first_scan_no_frame_counts(marker: int) -> None:
    check_refusal(jpeg(b"\xff\xfe\0\2", bytes([0xFF, marker]), frame()), "there is no frame header")


@pytest.mark.parametrize("length", [0, 1])
def test_a_segment_is_as_long_as_its_length_at_least(length: int) -> None:
    check_refusal(jpeg(b"\xff\xfe" + struct.pack(">H", length), frame()), f"a segment of {length} bytes")


@pytest.mark.parametrize(("count", "good"), [(1_999, True), (2_000, False)])
def test_two_thousand_segments_are_looked_at(count: int, *, good: bool) -> None:
    content = jpeg(*[segment(0xFE, b"")] * count, frame())
    if good:
        assert size(content) == (WIDTH, HEIGHT)
    else:
        check_refusal(content, "there is no frame header")


def pictures(count: int, *, order: str = "<", tag: int = 0xB001) -> bytes:
    return segment(0xE2, b"MPF\0" + tiff(order, [(0xB000, 4, 1, 7), (tag, 4, 1, count)]))


GAIN_MAP = segment(0xE1, b'http://ns.adobe.com/xap/1.0/\0<a hdrgm:Version="1.0"/>')


@pytest.mark.parametrize(
    ("segments", "kind"),
    [
        ([pictures(2)], "MPO"),
        ([pictures(2, order=">")], "MPO"),
        ([pictures(1)], "JPEG"),
        ([pictures(0)], "JPEG"),
        ([pictures(2, tag=0xB002)], "JPEG"),
        ([segment(0xE2, b"ICC_PROFILE\0"), pictures(3)], "MPO"),
        ([segment(0xE1, b"MPF\0" + tiff("<", [(0xB001, 4, 1, 2)]))], "JPEG"),
        ([GAIN_MAP, pictures(2)], "JPEG"),
        ([pictures(2), GAIN_MAP], "JPEG"),
        ([segment(0xE2, b' hdrgm:Version="1.0"'), pictures(2)], "MPO"),
        ([segment(0xE1, b"Exif\0\0"), pictures(2), segment(0xFE, b' hdrgm:Version="1.0"')], "MPO"),
    ],
)
def test_a_jpeg_of_several_pictures_is_an_mpo_unless_the_second_is_a_gain_map(segments: list[bytes], kind: str) -> None:
    assert parse_header(jpeg(*segments, frame())).format == kind


@pytest.mark.parametrize("content", [b"", b"\xff\xd8", b"\xff\xd8\xff", b"\xff\xd8\xff\xc0\0\x08\x08\1\2\3"])
def test_a_jpeg_that_ends_within_its_header_is_refused(content: bytes) -> None:
    check_refusal(content)
