"""The id of a record."""

import base64
import hashlib


def record_id(container: str, name: str, stamp: str = "") -> str:
    """Return the id of a blob's record: the same for every upload under this name, and valid in Cosmos DB.

    Blobs of different storage accounts never have the same id, although their records share a container: a container's
    name has no colon, and a stamp's no slash.

    Args:
        container: container of the blob.
        name: name of the blob.
        stamp: the stamp that the storage account belongs to; empty for the first account.
    """
    scope = f"{stamp}:" if stamp else ""
    digest = hashlib.sha256(f"{scope}{container}/{name}".encode()).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()
