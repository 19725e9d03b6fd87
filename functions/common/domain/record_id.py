"""The id of a record."""

import base64
import hashlib


def record_id(container: str, name: str) -> str:
    """Return the id of a blob's record: the same for every upload under this name, and valid in Cosmos DB."""
    digest = hashlib.sha256(f"{container}/{name}".encode()).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()
