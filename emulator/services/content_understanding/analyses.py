"""Long-running analyses: started, running for a while, and then with a result, which expires."""

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from emulator.services.content_understanding.errors import error_body

# Azure deletes results after a day:
# https://learn.microsoft.com/azure/ai-services/content-understanding/concepts/secure-communications
_RETENTION_SECONDS = 24 * 3600.0


class AnalysisFailedError(Exception):
    """The analysis fails; `code` and `inner` are those of the operation's error."""

    def __init__(self, code: str, message: str, *, inner: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.inner = inner


@dataclass(frozen=True, kw_only=True)
class _Analysis:
    account_id: str
    analyzer_id: str
    started: float
    ends: float
    outcome: asyncio.Task[dict[str, Any]]


class Analyses:
    """The analyses of all accounts. They are lost when the emulator ends. `clock` is the time in seconds."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._by_id: dict[str, _Analysis] = {}

    def start(
        self, account_id: str, analyzer_id: str, analyze: Callable[[], Awaitable[dict[str, Any]]], *, seconds: float
    ) -> str:
        """Start an analysis that takes so many seconds or longer; return the id of the operation."""
        now = self._clock()
        self._drop_expired(now)

        async def run() -> dict[str, Any]:
            try:
                return {"status": "Succeeded", **await analyze()}
            except AnalysisFailedError as error:
                return {"status": "Failed", "error": error_body(error.code, str(error), error.inner)}

        operation_id = str(uuid.uuid4())
        self._by_id[operation_id] = _Analysis(
            account_id=account_id.lower(),
            analyzer_id=analyzer_id,
            started=now,
            ends=now + seconds,
            outcome=asyncio.create_task(run()),
        )
        return operation_id

    async def get(self, account_id: str, operation_id: str, api_version: str) -> dict[str, Any] | None:
        """An operation as the service describes it; None if there is none, or no longer."""
        now = self._clock()
        self._drop_expired(now)
        analysis = self._by_id.get(operation_id)
        if analysis is None or analysis.account_id != account_id.lower():
            return None
        created = datetime.fromtimestamp(analysis.started, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        result = {"analyzerId": analysis.analyzer_id, "apiVersion": api_version, "createdAt": created}
        if now < analysis.ends or not analysis.outcome.done():
            return {"id": operation_id, "status": "Running", "result": {**result, "warnings": [], "contents": []}}
        outcome = await analysis.outcome
        outcome_result = outcome.get("result")
        return {
            "id": operation_id,
            **outcome,
            **({} if outcome_result is None else {"result": {**result, **outcome_result}}),
        }

    def _drop_expired(self, now: float) -> None:
        for operation_id, analysis in [*self._by_id.items()]:
            if now < analysis.ends + _RETENTION_SECONDS:
                return
            del self._by_id[operation_id]
