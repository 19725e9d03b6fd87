"""Roles of the program: Azure's built-in ones, and the data actions of its custom ones."""

from enum import Enum

_BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"
_MESSAGES = "Microsoft.Storage/storageAccounts/queueServices/queues/messages"


class BuiltInRole(Enum):
    """Azure built-in roles by GUID: https://learn.microsoft.com/azure/role-based-access-control/built-in-roles."""

    # https://learn.microsoft.com/azure/azure-functions/functions-reference (host storage: the documented minimum)
    STORAGE_BLOB_DATA_OWNER = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
    STORAGE_BLOB_DATA_CONTRIBUTOR = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
    STORAGE_BLOB_DATA_READER = "2a2b9908-6ea1-4ae2-8e65-a410df84e7d1"
    # Creates user delegation keys and nothing else. The scope is an account at least:
    # https://learn.microsoft.com/rest/api/storageservices/get-user-delegation-key#permissions
    STORAGE_BLOB_DELEGATOR = "db58b8e5-c6ad-4a2a-8342-4190687cbf4a"
    # https://learn.microsoft.com/azure/azure-functions/functions-bindings-storage-queue-trigger#grant-permission
    STORAGE_QUEUE_DATA_READER = "19e7f393-937e-4f77-808e-94535e297925"
    STORAGE_QUEUE_DATA_MESSAGE_PROCESSOR = "8a0f0c08-91a1-4084-bc3d-661d67233fed"
    # https://learn.microsoft.com/azure/event-grid/add-identity-roles
    STORAGE_QUEUE_DATA_MESSAGE_SENDER = "c6a89b2d-59bc-44d0-9896-0f6e12d7b80a"
    EVENTGRID_DATA_SENDER = "d5a91429-5739-47e2-a06b-3470a27159e7"
    # https://learn.microsoft.com/azure/azure-monitor/app/azure-ad-authentication
    MONITORING_METRICS_PUBLISHER = "3913510d-42f4-4e42-8a64-420c390055eb"
    # The dedicated roles of Content Understanding: Reader analyzes, Owner also defines and deletes analyzers and sets
    # defaults (docs/decisions/0047).
    CONTENT_UNDERSTANDING_READER = "379c52cb-64de-498c-8b5b-c6170d6c49d4"
    CONTENT_UNDERSTANDING_OWNER = "4b42bd01-da42-4c92-9b07-15ea5bd6a602"


# Put Blob, Put Block and Put Block List. Storage Blob Data Contributor, the narrowest built-in role for them, may also
# read and delete all images.
# https://learn.microsoft.com/rest/api/storageservices/put-blob#permissions
IMAGE_UPLOADER_DATA_ACTIONS = (f"{_BLOBS}/write",)
# Receive and delete messages (process), put them back (add), and update them, by which the Functions host extends a
# lease and returns a failed message early. No built-in role allows the last without clearing the queue
# (docs/decisions/0014).
# https://learn.microsoft.com/rest/api/storageservices/authorize-with-azure-active-directory
QUEUE_PROCESSOR_DATA_ACTIONS = (
    f"{_MESSAGES}/process/action",
    f"{_MESSAGES}/add/action",
    f"{_MESSAGES}/write",
)
# Read dead letters and delete them afterwards; Storage Blob Data Contributor could also write new ones.
DEAD_LETTER_PROCESSOR_DATA_ACTIONS = (
    f"{_BLOBS}/read",
    f"{_BLOBS}/delete",
)
# Put Blob of a new blob. Without the write action it overwrites nothing.
# https://learn.microsoft.com/rest/api/storageservices/put-blob#permissions
IMAGE_CREATOR_DATA_ACTIONS = (f"{_BLOBS}/add/action",)
# Delete Blob, by the pipeline app for callers of the API who may delete images.
IMAGE_DELETER_DATA_ACTIONS = (f"{_BLOBS}/delete",)
# Embeddings of the texts that images are searched by.
TEXT_VECTORIZER_DATA_ACTIONS = ("Microsoft.CognitiveServices/accounts/ComputerVision/retrieval:vectorizetext/action",)

# Cosmos DB's own data actions; every client reads the account's metadata first:
# https://learn.microsoft.com/azure/cosmos-db/nosql/security/reference-data-plane-actions
_COSMOS = "Microsoft.DocumentDB/databaseAccounts"
_ITEMS = f"{_COSMOS}/sqlDatabases/containers/items"
RECORD_WRITER_DATA_ACTIONS = (
    f"{_COSMOS}/readMetadata",
    f"{_ITEMS}/read",
    f"{_ITEMS}/create",
    f"{_ITEMS}/replace",
    f"{_ITEMS}/delete",
)
RECORD_READER_DATA_ACTIONS = (
    f"{_COSMOS}/readMetadata",
    f"{_ITEMS}/read",
)
# Each comparison is created once, under an id that it always has; nothing reads it but `make agreement`.
COMPARISON_WRITER_DATA_ACTIONS = (
    f"{_COSMOS}/readMetadata",
    f"{_ITEMS}/create",
)
# "To execute NoSQL queries using the SDKs, you must have both executeQuery and readChangeFeed permissions":
# https://learn.microsoft.com/azure/cosmos-db/reference-data-plane-security
RECORD_QUERY_DATA_ACTIONS = (
    f"{_COSMOS}/readMetadata",
    f"{_ITEMS}/read",
    f"{_COSMOS}/sqlDatabases/containers/executeQuery",
    f"{_COSMOS}/sqlDatabases/containers/readChangeFeed",
)
