"""The two errors of a query: it is wrong, or the emulator does not support it."""

import json
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Location:
    """The characters `start` (included) to `end` (excluded) of the query's text."""

    start: int
    end: int


class QueryError(Exception):
    """A query that has no result. `status` is the HTTP status that it is refused with."""

    status: int


class InvalidQueryError(QueryError):
    """A query that Azure refuses with 400.

    `code` is Azure's, as SC1001 or 4001; empty for an error that has no code or whose code is not known.
    """

    status = 400

    def __init__(self, code: str | int, message: str, location: Location | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.location = location

    def response_message(self) -> str:
        """The message in the form of Cosmos DB's gateway, which clients print.

        Recorded responses: https://github.com/Azure/azure-cosmos-dotnet-v3 (QueryPlanBaselineTests*.xml).
        """
        if not self.code:
            return self.message
        error: dict[str, object] = {"severity": "Error"}
        if self.location is not None:
            error["location"] = {"start": self.location.start, "end": self.location.end}
        error["code"] = self.code
        error["message"] = self.message
        return json.dumps({"errors": [error]}, separators=(",", ":"))


class UnsupportedQueryError(QueryError):
    """A query that Azure answers and the emulator does not: 501 with a text that says what is not supported."""

    status = 501
