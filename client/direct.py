"""Images and records without the API: in Blob Storage and Cosmos DB, by the rights of the setting `uploaders`.

For stacks without sign-in, which have no API. An upload replaces an image of the same name.
"""

from dataclasses import dataclass
from typing import cast

from azure.cosmos import ContainerProxy, CosmosClient
from azure.cosmos.exceptions import CosmosResourceNotFoundError
from azure.identity import DefaultAzureCredential
from azure.storage.blob import ContainerClient, ContentSettings

from client.image_store import ImageRecord, Upload
from client.stack_outputs import StackOutputs, record_id

_FINAL_STATUSES = frozenset({"classified", "rejected", "failed"})


def create_clients(outputs: StackOutputs) -> tuple[ContainerClient, ContainerProxy]:
    """Return clients of a stack's container of images and of its records, for the identity that is signed in.

    Raises:
        AzureError: The Cosmos DB account, whose metadata this client reads at once, cannot be reached.
    """
    credential = DefaultAzureCredential()
    images = ContainerClient(outputs.images_endpoint, outputs.images_container, credential=credential)
    database = CosmosClient(outputs.records_endpoint, credential).get_database_client(outputs.records_database)
    return images, database.get_container_client(outputs.records_container)


@dataclass(frozen=True, kw_only=True)
class StoredImage:
    """`image_store.UploadedImage`, whose record is read in Cosmos DB.

    Attributes:
        blob_name: Name of the blob.
        etag: ETag of the version that was uploaded, without quotes.
        record_id: Id of its record.
        records: The container of the records.
    """

    blob_name: str
    etag: str
    record_id: str
    records: ContainerProxy

    def read_record(self) -> ImageRecord | None:
        """Implements `UploadedImage.read_record`."""
        try:
            item = self.records.read_item(self.record_id, partition_key=self.record_id)
        except CosmosResourceNotFoundError:
            return None
        record = cast("ImageRecord", dict(item))
        if record["blob"]["etag"] != self.etag or record["status"] not in _FINAL_STATUSES:
            return None
        return record


class DirectImageStore:
    """`image_store.ImageStore`, which uploads to Blob Storage."""

    def __init__(self, images: ContainerClient, records: ContainerProxy) -> None:
        self._images = images
        self._records = records

    def upload(self, upload: Upload, timeout_seconds: float) -> StoredImage:
        """Implements `ImageStore.upload`. The ETag is that of the response: uploaders have no right to read blobs."""
        del timeout_seconds
        with upload.path.open("rb") as content:
            response = self._images.get_blob_client(upload.blob_name).upload_blob(
                content, overwrite=True, content_settings=ContentSettings(content_type=upload.content_type)
            )
        return StoredImage(
            blob_name=upload.blob_name,
            etag=response["etag"].strip('"'),
            record_id=record_id(self._images.container_name, upload.blob_name),
            records=self._records,
        )
