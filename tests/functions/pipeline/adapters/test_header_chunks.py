"""The first chunk of a WebP file decides how its dimensions are read."""

import struct

import pytest
from classifier.adapters.header_parsers import parse_header

LOSSY_FRAME = b"\0\0\0\x9d\x01\x2a" + struct.pack("<HH", 64, 60)


@pytest.mark.parametrize("chunk", [b"ALPH", b"VP8 "])
def test_a_start_code_counts_only_in_a_lossy_chunk(chunk: bytes) -> None:
    content = b"RIFF\0\0\0\0WEBP" + chunk + bytes(4) + LOSSY_FRAME
    if chunk == b"VP8 ":
        info = parse_header(content)
        assert (info.width, info.height, info.format) == (64, 60, "WEBP")
    else:
        with pytest.raises(ValueError, match="b'ALPH' is no first chunk of a WebP file"):
            parse_header(content)
