"""Image files for tests."""

import io
import struct
import zlib

from PIL import Image


def encoded(width: int, height: int, kind: str = "PNG", mode: str = "RGB") -> bytes:
    """Return a file of one color."""
    buffer = io.BytesIO()
    Image.new(mode, (width, height)).save(buffer, format=kind)
    return buffer.getvalue()


def png_header(width: int, height: int) -> bytes:
    """Return a PNG file that claims to have this size, and has a few bytes of pixels."""
    chunks = [
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(1000))),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
