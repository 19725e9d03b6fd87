"""The header reader: eight formats by content; whatever else a file holds is rejected, and costs nothing to look at."""

import asyncio
import io
import struct
import threading
import time
import tracemalloc
import zlib
from typing import Any

import pytest
from classifier.adapters import image_headers as headers
from classifier.adapters.header_parsers import parse_header
from classifier.domain.errors import ImageRejectedError
from classifier.domain.image_checks import check_image, check_size
from common.domain.image_limits import FORMATS, IMAGE_ANALYSIS_LIMITS
from common.domain.models import ImageFormat, ImageInfo
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.support.in_memory_services import as_json


def header(content: bytes) -> ImageInfo:
    return asyncio.run(headers.read_header(content))


def picture(kind: str, size: tuple[int, int] = (64, 60)) -> bytes:
    buffer = io.BytesIO()
    image = Image.new("RGB", size)
    options = {"ICO": {"sizes": [size]}, "MPO": {"save_all": True, "append_images": [image]}}.get(kind, {})
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


GOOD: dict[str, bytes] = {kind: picture(kind) for kind in FORMATS}


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims these dimensions and has almost no pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def text_chunks(count: int) -> bytes:
    """Texts of a megabyte each, which Python keeps with four bytes a character because of the first one."""
    text = zlib.compress(("\U0001f600" + "a" * 1_000_000).encode(), 9)
    return b"".join(chunk(b"iTXt", b"%d\0\1\0\0\0" % number + text) for number in range(count))


def bmp(width: int, height: int) -> bytes:
    return b"BM" + bytes(12) + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


def ico(image: bytes) -> bytes:
    """An icon of one image, which its directory calls one of 256 pixels."""
    return b"\0\0\1\0\1\0" + struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, len(image), 22) + image


def mpf(directory: bytes) -> bytes:
    """A JPEG with this index of its pictures."""
    segment = b"MPF\0" + directory
    return b"\xff\xd8\xff\xe2" + struct.pack(">H", min(len(segment) + 2, 65_535)) + segment + GOOD["JPEG"][2:]


@pytest.mark.parametrize("kind", FORMATS)
def test_headers_of_every_format_are_read(kind: str) -> None:
    assert header(GOOD[kind]) == ImageInfo(width=64, height=60, format=ImageFormat(kind))


@pytest.mark.parametrize("kind", FORMATS)
def test_a_picture_cut_off_in_its_header_is_rejected_and_one_cut_off_behind_it_is_the_analyzers_to_judge(
    kind: str,
) -> None:
    with pytest.raises(ImageRejectedError):
        header(GOOD[kind][:6])
    assert header(GOOD[kind][:-4]) == ImageInfo(width=64, height=60, format=ImageFormat(kind))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        b"%PDF-1.7",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n",
        b"SIMPLE  =  T",
        b"PK\x03\x04",
        b"<svg width='100' height='100'/>",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"P6 100 100 255\n",
        b"\x00\x00\x00\x0cjP  \r\n\x87\n",
    ],
    ids=lambda content: repr(content[:8]),
)
def test_what_is_no_image_of_the_eight_formats_is_rejected_with_what_was_found(content: bytes) -> None:
    with pytest.raises(ImageRejectedError) as rejection:
        header(content)
    assert as_json(rejection.value.reason()) == {
        "code": "NotAnImage",
        "sentence": str(rejection.value),
        "measured": content[:16].hex(),
        "limit": [*FORMATS],
    }


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("other", [b"<script>alert(1)</script>", b"%PDF-1.7 ...", GOOD["GIF"]])
def test_a_polyglot_is_what_it_begins_with(kind: str, other: bytes) -> None:
    assert header(GOOD[kind] + other).format == kind
    if other != GOOD["GIF"]:
        with pytest.raises(ImageRejectedError):
            header(other + GOOD[kind])


@pytest.mark.parametrize(
    ("kind", "mode", "options"),
    [
        ("JPEG", "L", {}),
        ("JPEG", "CMYK", {"progressive": True}),
        ("JPEG", "RGB", {"icc_profile": bytes(200_000)}),
        ("JPEG", "RGB", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0", "comment": b"a cat"}),
        ("PNG", "1", {}),
        ("PNG", "P", {}),
        ("PNG", "I;16", {}),
        ("PNG", "RGBA", {"icc_profile": bytes(9000)}),
        ("GIF", "P", {"save_all": True, "append_images": [Image.new("P", (9, 9))], "comment": b"a cat"}),
        ("BMP", "1", {}),
        ("BMP", "L", {}),
        ("BMP", "RGBA", {}),
        ("WEBP", "RGB", {"quality": 10}),
        ("WEBP", "RGB", {"lossless": True}),
        ("WEBP", "RGBA", {"exif": b"Exif\0\0"}),
        ("WEBP", "RGB", {"save_all": True, "append_images": [Image.new("RGB", (300, 200), "red")]}),
        ("TIFF", "1", {"compression": "group4"}),
        ("TIFF", "CMYK", {}),
        ("TIFF", "F", {"big_tiff": True}),
        ("TIFF", "RGB", {"compression": "jpeg"}),
        ("TIFF", "I;16B", {}),
        ("ICO", "RGBA", {"sizes": [(16, 16), (256, 171), (48, 48)]}),
        ("ICO", "RGB", {"bitmap_format": "bmp"}),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else value,
)
def test_what_is_read_is_what_pillow_decodes(kind: str, mode: str, options: dict[str, Any]) -> None:
    buffer = io.BytesIO()
    Image.new(mode, (300, 200)).save(buffer, format=kind, **options)
    with Image.open(buffer) as image:
        image.load()
        expected = ImageInfo(width=image.width, height=image.height, format=ImageFormat(str(image.format)))
    assert header(buffer.getvalue()) == expected


def test_a_bitmap_from_top_to_bottom_has_a_height() -> None:
    assert header(bmp(64, -60)) == ImageInfo(width=64, height=60, format=ImageFormat.BMP)
    assert header(b"BM" + bytes(12) + struct.pack("<IHH", 12, 64, 60)) == ImageInfo(
        width=64, height=60, format=ImageFormat.BMP
    )
    with pytest.raises(ImageRejectedError):
        header(bmp(-64, 60))


def test_an_ultra_hdr_photo_is_a_jpeg() -> None:
    mpo = GOOD["MPO"]
    xmp = b'http://ns.adobe.com/xap/1.0/\0<rdf:Description hdrgm:Version="1.0"/>'
    segment = b"\xff\xe1" + struct.pack(">H", len(xmp) + 2) + xmp
    assert header(mpo[:2] + segment + mpo[2:]) == ImageInfo(width=64, height=60, format=ImageFormat.JPEG)


def test_of_an_icon_the_largest_image_counts_whatever_its_directory_says() -> None:
    assert header(ico(png_of(24_000, 24_000))) == ImageInfo(width=24_000, height=24_000, format=ImageFormat.ICO)
    assert header(ico(bmp(64, 120)[14:])) == ImageInfo(width=64, height=60, format=ImageFormat.ICO)


BOMBS = {
    "PNG of huge dimensions": png_of(60_000, 60_000),
    "PNG of a million chunks": png_of(64, 60)[:33] + chunk(b"abCd", b"") * 1_000_000 + png_of(64, 60)[33:],
    "PNG of compressed texts": png_of(64, 60)[:33] + text_chunks(63) + png_of(64, 60)[33:],
    "JPEG of a million segments": b"\xff\xd8" + b"\xff\xe5\0\2" * 1_000_000 + GOOD["JPEG"][2:],
    "JPEG of filling": b"\xff\xd8" + b"\xff" * 5_000_000 + GOOD["JPEG"][2:],
    "JPEG of stuffing": b"\xff\xd8\xff" + b"\xff\0" * 3_000_000,
    "JPEG without markers": b"\xff\xd8\xff\xe0\0\2" + bytes(5_000_000),
    "GIF of a million comments": GOOD["GIF"][:13] + b"!\xfe\1a\0" * 1_000_000 + GOOD["GIF"][13:],
    "GIF of one comment in a million parts": GOOD["GIF"][:13] + b"!\xfe" + b"\1a" * 2_000_000 + GOOD["GIF"][13:],
    "BMP of huge dimensions": bmp(2**31 - 1, -(2**31)),
    "WEBP of huge dimensions": b"RIFF\x20\0\0\0WEBPVP8X\n\0\0\0\0\0\0\0" + b"\xff" * 6 + bytes(40),
    "ICO of a huge image": ico(png_of(24_000, 24_000)),
    "ICO of 65,535 images": b"\0\0\1\0\xff\xff" + ico(GOOD["PNG"])[6:22] * 65_535 + GOOD["PNG"],
    "TIFF of 65,535 entries": b"II*\0\x08\0\0\0\xff\xff" + struct.pack("<HHII", 1, 4, 1, 1) * 65_535,
    "TIFF of more entries than there are bytes": b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**63),
    "MPO of a huge directory": mpf(b"II*\0\x08\0\0\0\xff\xff" + struct.pack("<HHII", 1, 4, 1, 1) * 5_000),
}


@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS.keys())
def test_no_header_costs_time_or_memory(content: bytes) -> None:
    tracemalloc.start()
    started = time.thread_time()
    try:
        info = parse_header(content)
        check_image(info, IMAGE_ANALYSIS_LIMITS)
        assert (info.width, info.height) == (64, 60)
    except (ImageRejectedError, ValueError, struct.error):
        pass
    seconds = time.thread_time() - started
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 0.1
    assert peak < 1_000_000


def test_headers_are_read_outside_of_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[threading.Thread] = []

    def parse(_content: bytes) -> ImageInfo:
        threads.append(threading.current_thread())
        return ImageInfo(width=64, height=60, format=ImageFormat.PNG)

    monkeypatch.setattr(headers, "parse_header", parse)
    header(b"")
    assert threads != [threading.main_thread()]


@pytest.mark.parametrize(("side", "good"), [(49, False), (50, True), (16_000, True), (16_001, False)])
def test_the_limits_of_dimensions_are_inclusive(side: int, *, good: bool) -> None:
    for info in (
        ImageInfo(width=side, height=100, format=ImageFormat.PNG),
        ImageInfo(width=100, height=side, format=ImageFormat.PNG),
    ):
        if good:
            check_image(info, IMAGE_ANALYSIS_LIMITS)
        else:
            with pytest.raises(ImageRejectedError, match=str(side)):
                check_image(info, IMAGE_ANALYSIS_LIMITS)


@pytest.mark.parametrize(("size", "good"), [(0, False), (1, True), (20_971_520, True), (20_971_521, False)])
def test_the_limit_of_size_is_inclusive(size: int, *, good: bool) -> None:
    if good:
        check_size(size)
    else:
        with pytest.raises(ImageRejectedError) as rejection:
            check_size(size)
        assert rejection.value.measured == size


@given(st.binary(max_size=4096))
@settings(max_examples=300)
def test_garbage_is_rejected_and_nothing_else(content: bytes) -> None:
    with pytest.raises(ImageRejectedError):
        header(content)


@given(st.sampled_from(FORMATS), st.integers(0, 200), st.binary(max_size=40), st.integers(0, 400))
@settings(max_examples=500)
def test_a_damaged_header_is_read_or_rejected_and_nothing_else(kind: str, at: int, junk: bytes, cut: int) -> None:
    damaged = bytearray(GOOD[kind])
    damaged[at : at + len(junk)] = junk
    try:
        info = header(bytes(damaged[: len(damaged) - cut]))
    except ImageRejectedError:
        return
    assert info.format in FORMATS
