"""Names the right that is missing when a service denies access."""

import re
from types import TracebackType

from common.domain.errors import AccessDeniedError

from image_api.domain.errors import MissingRightError

# Cosmos DB's 403 names the action: https://learn.microsoft.com/azure/cosmos-db/nosql/troubleshoot-forbidden
_ACTION = re.compile(r"perform action \[([^\]]+)\]")
_BLOBS = "Microsoft.Storage/storageAccounts/blobServices"
CREATE_KEY = f"{_BLOBS}/generateUserDelegationKey/action"
READ_BLOBS = f"{_BLOBS}/containers/blobs/read"
CREATE_BLOBS = f"{_BLOBS}/containers/blobs/add/action"
READ_RECORDS = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/read"
QUERY_RECORDS = "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/executeQuery"
VECTORIZE_TEXT = "Microsoft.CognitiveServices/accounts/ComputerVision/retrieval:vectorizetext/action"


class RightRequired:
    """A context manager for each call to one service: raises MissingRightError in place of AccessDeniedError.

    Args:
        service: the service.
        right: the data action that the call needs; a service that names another one in its answer knows better.
    """

    def __init__(self, service: str, right: str) -> None:
        self._service = service
        self._right = right

    def __enter__(self) -> None:
        return

    def __exit__(
        self, _type: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if isinstance(error, AccessDeniedError):
            action = _ACTION.search(str(error))
            right = self._right if action is None else action[1]
            raise MissingRightError(self._service, right, str(error)) from error
