"""In-memory long-running operations of an analyzer, whose results are those of `InMemoryServices`' calls."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from classifier.domain.errors import OperationLostError, OperationRunningError
from classifier.domain.models import LongRunningOperation
from common.domain.findings import Caption, Findings, Tag
from common.domain.models import Analysis, ImageInfo, Tokens
from msgspec import UNSET

from tests.support.in_memory_services import InMemoryServices

OPERATION_TIME = timedelta(seconds=20)
type CallName = Literal["tags", "caption"]
type OperationState = Literal["good", "stuck", "failed", "lost"]


@dataclass
class StartedOperation:
    """An operation of the service: `state` and `retry_after_seconds` may be changed by a test."""

    call: CallName
    content: bytes
    ends_at: datetime
    state: OperationState = "good"
    retry_after_seconds: float = 1.0


class InMemoryOperations:
    """The operations that the service has, by id. `new_state` is the state of those that are started next."""

    def __init__(self, services: InMemoryServices) -> None:
        self.services = services
        self.new_state: OperationState = "good"
        self.operations: dict[str, StartedOperation] = {}
        self.polls = 0
        services.calls = (InMemoryLongRunningCall(self, "tags"), InMemoryLongRunningCall(self, "caption"))

    def start(self, call: CallName, content: bytes) -> tuple[LongRunningOperation, float]:
        """Start an operation, and charge it."""
        services = self.services
        if services.failure:
            raise services.failure
        counts = services.analysis_counts if call == "tags" else services.caption_counts
        counts[content] += 1
        operation_id = f"op{sum(services.analysis_counts.values()) + sum(services.caption_counts.values()):04}"
        ends_at = services.now + OPERATION_TIME
        self.operations[operation_id] = StartedOperation(call, content, ends_at, state=self.new_state)
        return LongRunningOperation(account="account1", id=operation_id), 0.0

    def get_result(self, operation: LongRunningOperation) -> Analysis:
        """Return the result of an operation, or raise an error."""
        self.polls += 1
        started = self.operations[operation.id]
        if started.state in {"failed", "lost"}:
            raise OperationLostError(f"the operation {operation.id} is gone")
        if started.state == "stuck" or self.services.now < started.ends_at:
            raise OperationRunningError("the operation is running", retry_after_seconds=started.retry_after_seconds)
        text = started.content.decode()
        findings = (
            Findings(tags=(Tag(name=text, confidence=0.9), Tag(name="sofa", confidence=0.4)))
            if started.call == "tags"
            else Findings(caption=Caption(text=text, confidence=0.9))
        )
        # As those of Content Understanding: only one of both calls has a language model.
        tokens = Tokens(input=1_000, output=100) if started.call == "tags" else UNSET
        return Analysis(
            analyzer="test", api_version="1", model_version=started.call[0], findings=findings, tokens=tokens
        )


class InMemoryLongRunningCall:
    """`ports.LongRunningCall`, with the steps `start` and `poll`."""

    def __init__(self, operations: InMemoryOperations, name: CallName) -> None:
        self._operations = operations
        self._name: CallName = name
        self.fingerprint = f"test/1 operation {name}"

    async def start(self, content: bytes, info: ImageInfo, *, paid: bool) -> tuple[LongRunningOperation, float]:
        return await self._operations.services.run_step("start", lambda: self._operations.start(self._name, content))

    async def get_result(self, operation: LongRunningOperation) -> Analysis:
        return await self._operations.services.run_step("poll", lambda: self._operations.get_result(operation))
