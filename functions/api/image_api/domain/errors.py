"""Errors of the API, besides those of `common.domain.errors`."""

from common.domain.errors import PipelineError


class MissingRightError(PipelineError):
    """A service denied access to the API's identity.

    Args:
        service: the service, such as `Cosmos DB`.
        right: the data action that the operation needs.
        sentence: what the service answered; for the log.
    """

    def __init__(self, service: str, right: str, sentence: str) -> None:
        super().__init__(sentence)
        self.service = service
        self.right = right
