"""Deletion of an image, for a caller of the API: its record is removed later, when the event of that is handled."""

from classifier.domain.ports import ImageStore, RecordRepository


async def delete_image(record_id: str, *, records: RecordRepository, images: ImageStore) -> bool:
    """Delete the blob of a record; return False if there is no such record.

    The name of the blob comes from the record, never from the caller.

    Args:
        record_id: the id of the record.
        records: the records.
        images: the images container.
    """
    stored = await records.get(record_id)
    if stored is None or stored.value is None or stored.value.blob.container != images.container:
        return False
    await images.delete(stored.value.blob.name)
    return True
