"""Usage of blobs, queues and Event Grid."""

from infra.config.cost.compute import list_operations
from infra.config.cost.meters import (
    BLOB_LISTS,
    BLOB_READS,
    BLOB_STORED_GZRS,
    BLOB_STORED_LRS,
    BLOB_WRITES_GZRS,
    BLOB_WRITES_LRS,
    EVENT_GRID,
    GEO_REPLICATION,
    QUEUE_CLASS_1,
    QUEUE_CLASS_2,
)
from infra.config.cost.usage import HOURS_PER_MONTH, Usage, exact
from infra.config.cost.workload import Workload
from infra.config.sizing import DAYS_PER_MONTH

# infra/components/image_storage.py: deleted images can be restored for so many days.
_SOFT_DELETE_DAYS = 14
# An image is written once by its uploader. For each message the code downloads the blob, and reads its ETag once more
# (functions/pipeline/classifier/use_cases/classify.py); Get Blob Properties costs as much as Get Blob.
_READS_PER_MESSAGE = 2
# A message is put into the queue, received, and deleted. Receiving is an operation of class 2, and one of class 1
# because it hides the message: https://azure.microsoft.com/pricing/details/storage/queues/
_CLASS_1_PER_MESSAGE = 3
_CLASS_2_PER_MESSAGE = 1
# host.json: an instance asks an empty queue every two seconds (`maxPollingInterval`). Without always-ready instances
# there is none most of the time, or one if the queue is never empty for long.
_POLLS_PER_INSTANCE = HOURS_PER_MONTH * 3600 / 2
_ALWAYS_READY_POLLING = 2


def blob_usage(workload: Workload) -> list[Usage]:
    """Return storage and operations of the images' account. Those of the host's account are neglected."""
    copies = 2 if workload.copy_classified else 1
    months = workload.stored_months
    if workload.protect_data and workload.image_retention_days is not None:
        months += _SOFT_DELETE_DAYS / DAYS_PER_MONTH
    written_gb = workload.uploaded_gb * copies
    zone_redundant = workload.zone_redundant
    reads = workload.images_per_month * _READS_PER_MESSAGE
    usages = [
        exact(
            BLOB_STORED_GZRS if zone_redundant else BLOB_STORED_LRS,
            written_gb * months,
            "images" if copies == 1 else "images and copies",
        ),
        exact(
            BLOB_WRITES_GZRS if zone_redundant else BLOB_WRITES_LRS,
            workload.images_per_month * copies,
            "uploads" if copies == 1 else "uploads and copies",
        ),
        Usage(
            meter=BLOB_READS,
            low=reads,
            high=reads + workload.deleted_images * _READS_PER_MESSAGE,
            purpose="classify",
        ),
        exact(BLOB_LISTS, list_operations(workload), "reconcile"),
    ]
    if zone_redundant:
        usages.append(exact(GEO_REPLICATION, written_gb, "images"))
    return usages


def queue_usage(workload: Workload) -> list[Usage]:
    """Return operations of the queue. The price of LRS is used for GZRS too, of which no price is known."""
    more_low, more_high = workload.more_deliveries
    messages_low = workload.images_per_month + more_low
    messages_high = workload.images_per_month + more_high + workload.deleted_images
    polling_low = 0
    polling_high = 1
    if workload.zone_redundant:
        polling_low = _ALWAYS_READY_POLLING
        polling_high = _ALWAYS_READY_POLLING
    return [
        Usage(
            meter=QUEUE_CLASS_1,
            low=messages_low * _CLASS_1_PER_MESSAGE,
            high=messages_high * _CLASS_1_PER_MESSAGE,
            purpose="put, receive, delete",
        ),
        Usage(
            meter=QUEUE_CLASS_2,
            low=messages_low * _CLASS_2_PER_MESSAGE + polling_low * _POLLS_PER_INSTANCE,
            high=messages_high * _CLASS_2_PER_MESSAGE + polling_high * _POLLS_PER_INSTANCE,
            purpose="receive, poll",
        ),
    ]


def event_grid_usage(workload: Workload) -> list[Usage]:
    """Return operations of both topics: each delivery, each published result, and, in `high`, each storage event.

    Deliveries to subscribers of the results are not counted, as the stack has none of its own.
    """
    created = 0 if workload.scheduled else workload.images_per_month
    published = workload.images_per_month if workload.publish_results else 0
    return [
        Usage(
            meter=EVENT_GRID,
            low=created + published,
            high=2 * (created + workload.deleted_images) + published,
            purpose="storage events, results" if workload.publish_results else "storage events",
        )
    ]
