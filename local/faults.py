"""Faults on demand: what Azure's services do now and then, done as often and for as long as a file says.

The file is read anew whenever it changes; without one nothing fails. `tools/soak.py` writes it.
"""

import random
from pathlib import Path
from typing import Annotated, Literal, get_args

import msgspec

Service = Literal["blob", "cosmos", "eventgrid", "identity", "queue", "vision"]
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]


class FaultsError(Exception):
    """The file of faults cannot be read; the text says what is wrong with it."""


class _FaultsFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The file: shares of the occasions, 0 to 1, and the services with an outage.

    Attributes:
        throttled: Of Vision's calls.
        failing: Of Vision's calls.
        duplicated: Of blob events.
        deployment_cancelled: Of the deployments of packages, which then end in that status; the next two likewise.
        deployment_conflict: See `deployment_cancelled`.
        deployment_partial_success: See `deployment_cancelled`.
        terms_not_accepted: Of new Vision accounts; 1 in a subscription that has not accepted the Responsible AI terms.
        outages: The services that answer every request with 503 (`gateway/outages.py`).
    """

    throttled: _Share = 0
    failing: _Share = 0
    duplicated: _Share = 0
    deployment_cancelled: _Share = 0
    deployment_conflict: _Share = 0
    deployment_partial_success: _Share = 0
    terms_not_accepted: _Share = 0
    outages: frozenset[Service] = frozenset()


class Faults:
    """The faults that the file at `path` asks for now. Every method raises FaultsError."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = 0
        self._file = _FaultsFile()
        self._shares: dict[str, float] = {}

    def strikes(self, name: str) -> bool:
        """Whether the fault with this `name`, spelled as in the file, is to happen this time."""
        return self._read() and random.random() < self._shares[name]  # noqa: S311 (no secret depends on it)

    def is_unavailable(self, service: Service) -> bool:
        """Whether the service has an outage."""
        return self._read() and service in self._file.outages

    def _read(self) -> bool:
        """Reads the file if it has changed; False when there is none."""
        try:
            changed = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return False
        if changed != self._read_at:
            try:
                self._file = msgspec.json.decode(self._path.read_bytes(), type=_FaultsFile)
            except msgspec.DecodeError as error:
                raise FaultsError(f"{self._path}: {error} (outages: {', '.join(get_args(Service))})") from error
            self._shares = {
                field.encode_name: getattr(self._file, field.name)
                for field in msgspec.structs.fields(_FaultsFile)
                if field.name != "outages"
            }
            self._read_at = changed
        return True
