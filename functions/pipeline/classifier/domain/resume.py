"""What a message remembers of an image while a long-running operation analyzes it."""

from datetime import datetime

from common.domain.models import ImageInfo
from msgspec import Struct


class Resume(Struct, frozen=True, kw_only=True, rename="camel"):
    """What the next delivery needs to go on without downloading the image.

    The operation itself is not part of it: it is stored in the lease on the analysis, where every worker finds it.

    Attributes:
        etag: the version of the blob that is analyzed, without quotes.
        sha256: the hash of its content, in hexadecimal.
        image: what the header of the image declares.
        started_at: when the image was processed first.
    """

    etag: str
    sha256: str
    image: ImageInfo
    started_at: datetime
