"""The header reader: eight formats by content, and whatever else a file may hold is rejected without decoding it."""

import io
import struct
import tracemalloc
import zlib

import pytest
from classifier.adapters.headers import read_header
from classifier.errors import ImageRejectedError
from classifier.limits import FORMATS, MAX_SIDE, MIN_SIDE, check_image, check_size
from classifier.models import ImageInfo
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image


def picture(kind: str, size: tuple[int, int] = (64, 60)) -> bytes:
    buffer = io.BytesIO()
    image = Image.new("RGB", size)
    options = {"ICO": {"sizes": [size]}, "MPO": {"save_all": True, "append_images": [image]}}.get(kind, {})
    image.save(buffer, format=kind, **options)
    return buffer.getvalue()


GOOD = {kind: picture(kind) for kind in FORMATS}


def png_of(width: int, height: int) -> bytes:
    """A PNG that claims these dimensions and has almost no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", FORMATS)
def test_headers_of_every_format_are_read(kind: str) -> None:
    assert read_header(GOOD[kind]) == ImageInfo(width=64, height=60, format=kind)


@pytest.mark.parametrize("kind", FORMATS)
def test_a_picture_cut_off_in_its_header_is_rejected_and_one_cut_off_behind_it_is_the_analysers_to_judge(
    kind: str,
) -> None:
    with pytest.raises(ImageRejectedError):
        read_header(GOOD[kind][:6])
    try:
        assert read_header(GOOD[kind][:-4]).width == 64
    except ImageRejectedError:
        assert kind in {"TIFF", "WEBP", "ICO"}  # their directory or frame needs what was cut off


@pytest.mark.parametrize(
    "content",
    [
        b"", b"text", b"%PDF-1.7", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n", b"SIMPLE  =  T",
        b"PK\x03\x04", b"<svg width='100' height='100'/>", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"P6 100 100 255\n",
        b"\x00\x00\x00\x0cjP  \r\n\x87\n",
    ],
    ids=lambda content: repr(content[:8]),
)  # fmt: skip
def test_what_is_no_image_of_the_eight_formats_is_rejected_with_what_was_found(content: bytes) -> None:
    with pytest.raises(ImageRejectedError) as rejection:
        read_header(content)
    assert rejection.value.reason() == {
        "code": "NotAnImage",
        "sentence": str(rejection.value),
        "measured": content[:16].hex(),
        "limit": [*FORMATS],
    }


@pytest.mark.parametrize("kind", FORMATS)
@pytest.mark.parametrize("other", [b"<script>alert(1)</script>", b"%PDF-1.7 ...", GOOD["GIF"]])
def test_a_polyglot_is_what_it_begins_with(kind: str, other: bytes) -> None:
    assert read_header(GOOD[kind] + other).format == kind
    if other != GOOD["GIF"]:
        with pytest.raises(ImageRejectedError):
            read_header(other + GOOD[kind])


def test_a_bomb_is_judged_by_its_header_and_never_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    # The laptop's Vision sets its own limit, which would be another reason, in the process that tests both.
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    tracemalloc.start()
    info = read_header(png_of(60_000, 60_000))
    with pytest.raises(ImageRejectedError) as rejection:
        check_image(info)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert rejection.value.measured == {"width": 60_000, "height": 60_000}
    # Sixty thousand times as much would be needed for its pixels; Pillow's own modules are loaded here, maybe.
    assert peak < 20_000_000


def test_a_bomb_in_the_metadata_is_rejected() -> None:
    text = b"zTXt" + b"Comment\x00\x00" + zlib.compress(bytes(80_000_000))
    good = png_of(64, 64)
    chunk = struct.pack(">I", len(text) - 4) + text + struct.pack(">I", zlib.crc32(text))
    with pytest.raises(ImageRejectedError):
        read_header(good[:33] + chunk + good[33:])


@pytest.mark.parametrize(
    ("side", "good"), [(MIN_SIDE, False), (MIN_SIDE + 1, True), (MAX_SIDE - 1, True), (MAX_SIDE, False)]
)
def test_the_limits_of_dimensions_are_exclusive(side: int, *, good: bool) -> None:
    for info in (ImageInfo(width=side, height=100, format="PNG"), ImageInfo(width=100, height=side, format="PNG")):
        if good:
            check_image(info)
        else:
            with pytest.raises(ImageRejectedError, match=str(side)):
                check_image(info)


@pytest.mark.parametrize(("size", "good"), [(0, False), (1, True), (20 * 1024 * 1024 - 1, True), (20 << 20, False)])
def test_the_limit_of_size_is_exclusive(size: int, *, good: bool) -> None:
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
        read_header(content)


@given(st.sampled_from(FORMATS), st.integers(0, 200), st.binary(max_size=40), st.integers(0, 400))
@settings(max_examples=500)
def test_a_damaged_header_is_read_or_rejected_and_nothing_else(kind: str, at: int, junk: bytes, cut: int) -> None:
    damaged = bytearray(GOOD[kind])
    damaged[at : at + len(junk)] = junk
    try:
        info = read_header(bytes(damaged[: len(damaged) - cut]))
    except ImageRejectedError:
        return
    assert info.format in FORMATS
