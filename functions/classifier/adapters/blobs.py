"""The images container in Blob Storage, and Pillow, which reads headers."""

import io
import warnings

from azure.core import MatchConditions
from azure.core.credentials import TokenCredential
from azure.core.exceptions import ResourceModifiedError, ResourceNotFoundError
from azure.storage.blob import ContainerClient
from PIL import Image, UnidentifiedImageError

from classifier import limits
from classifier.models import Blob, ImageInfo
from classifier.ports import Gone, Superseded

# Only headers are read here, never pixels, so a picture of 16,000 by 16,000 is no bomb.
Image.MAX_IMAGE_PIXELS = None
# Most images come in one piece; of one that is too large, no more than this is fetched.
_PIECE = 4 * 1024 * 1024


class BlobImages:
    """`ports.Images` over one container, whose address comes from our settings and never from an event."""

    def __init__(self, endpoint: str, container: str, credential: TokenCredential) -> None:
        self._client = ContainerClient(
            endpoint, container, credential=credential, max_single_get_size=_PIECE, max_chunk_get_size=_PIECE
        )

    @property
    def account(self) -> str:
        """The storage account's name."""
        return str(self._client.account_name)

    @property
    def container(self) -> str:
        """The container's name."""
        return self._client.container_name

    def read(self, name: str, etag: str) -> Blob:
        """As `ports.Images.read`."""
        try:
            # No range is asked for: an empty blob has none, and the service would refuse it.
            download = self._client.download_blob(name, etag=f'"{etag}"', match_condition=MatchConditions.IfNotModified)
            content = download.readall() if download.size <= limits.MAX_BYTES else None
        except ResourceNotFoundError as error:
            raise Gone(name) from error
        except ResourceModifiedError as error:
            raise Superseded(name) from error
        properties = download.properties
        return Blob(
            content=content,
            size_bytes=download.size,
            etag=properties.etag.strip('"'),
            content_type=properties.content_settings.content_type or "application/octet-stream",
            created_at=properties.creation_time,
        )

    def inspect(self, content: bytes) -> ImageInfo:
        """As `ports.Images.inspect`."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # about damaged metadata, which says nothing about the picture
                with Image.open(io.BytesIO(content)) as image:
                    return ImageInfo(width=image.width, height=image.height, format=image.format or "unknown")
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
            raise limits.Rejected("NotAnImage", "The file is not an image in any format that can be read.") from error
