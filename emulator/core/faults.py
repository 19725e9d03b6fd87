"""Fault injection: errors of Azure's services as often, and for as long, as a file says.

The file is read again whenever it changes; without one nothing fails. The soak test (`benchmarks/soak`) writes it.
"""

import random
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec

Service = Literal["blob", "cosmos", "eventgrid", "identity", "queue", "vision"]
# The service takes seconds for an image.
_ANALYSIS_SECONDS = 1.0
_Probability = Annotated[float, msgspec.Meta(ge=0, le=1)]


class FaultsError(Exception):
    """The faults file is not valid; the message says why."""


class _FaultsFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The file: the probability of each fault, 0 to 1, and the services that are unavailable.

    Attributes:
        throttled: Vision answers a call with 429.
        failing: Vision answers a call with 500.
        content_filtered: A vision model of Foundry answers a call with 400, because a content filter refuses the image;
            Content Understanding removes the fields of its result.
        operation_failed: An analysis of Content Understanding fails.
        operation_lost: Content Understanding does not know the operation that it is asked about.
        analysis_seconds: How long an analysis of Content Understanding takes at least.
        duplicated: A blob event is delivered twice.
        deployment_cancelled: A deployment of a package ends in this status; the next two likewise.
        deployment_conflict: See `deployment_cancelled`.
        deployment_partial_success: See `deployment_cancelled`.
        terms_not_accepted: A new Vision account is refused; 1 in a subscription without the Responsible AI terms.
        cosmos_throughput: Cosmos DB refuses requests beyond the RU/s of a container with 429.
        outages: The services that answer every request with 503: see `emulator.core.outages`.
    """

    throttled: _Probability = 0
    failing: _Probability = 0
    content_filtered: _Probability = 0
    operation_failed: _Probability = 0
    operation_lost: _Probability = 0
    analysis_seconds: Annotated[float, msgspec.Meta(ge=0)] = _ANALYSIS_SECONDS
    duplicated: _Probability = 0
    deployment_cancelled: _Probability = 0
    deployment_conflict: _Probability = 0
    deployment_partial_success: _Probability = 0
    terms_not_accepted: _Probability = 0
    cosmos_throughput: bool = False
    outages: frozenset[Service] = frozenset()


class Faults:
    """The faults in the file at `path`. Every method reads it if it has changed, and raises FaultsError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = 0
        self._outages: frozenset[Service] = frozenset()
        self._limits_cosmos_throughput = False
        self._analysis_seconds = _ANALYSIS_SECONDS
        self._probabilities: dict[str, float] = {}

    def should_fail(self, name: str) -> bool:
        """True with the probability of the fault with this `name`, which is spelled as in the file."""
        if not self._read():
            return False
        return random.random() < self._probabilities[name]  # noqa: S311 (no secret depends on it)

    def is_unavailable(self, service: Service) -> bool:
        """Whether the service has an outage."""
        return self._read() and service in self._outages

    def limits_cosmos_throughput(self) -> bool:
        """Whether Cosmos DB refuses requests beyond the RU/s of a container."""
        return self._read() and self._limits_cosmos_throughput

    def analysis_seconds(self) -> float:
        """How long an analysis of Content Understanding takes at least."""
        return self._analysis_seconds if self._read() else _ANALYSIS_SECONDS

    def _read(self) -> bool:
        """Read the file if it has changed. Return False if there is none."""
        try:
            changed = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return False
        if changed == self._read_at:
            return True
        try:
            file = msgspec.json.decode(self._path.read_bytes(), type=_FaultsFile)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise FaultsError(f"{self._path}: {error} (outages: {', '.join(get_args(Service))})") from error
        self._outages = file.outages
        self._limits_cosmos_throughput = file.cosmos_throughput
        self._analysis_seconds = file.analysis_seconds
        self._probabilities = {
            field.encode_name: getattr(file, field.name)
            for field in msgspec.structs.fields(_FaultsFile)
            if field.name not in {"outages", "cosmos_throughput", "analysis_seconds"}
        }
        self._read_at = changed
        return True
