"""Azurite, which stores blobs and queues. Its keys stay in this process, so no request avoids the role checks."""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from emulator.core import process
from emulator.core.state_directory import StateDirectory

# Azurite's accounts are fixed when it starts, so each deployed account gets one of these.
_SLOTS = tuple(f"slot{number}" for number in range(8))
_SCRIPT = Path("node_modules/azurite/dist/src/azurite.js")


class AccountSlotsExhaustedError(Exception):
    """More storage accounts are deployed than Azurite has."""


@dataclass(frozen=True, kw_only=True)
class Azurite:
    """A running Azurite: its URLs by service, its keys by account."""

    child: process.ChildProcess
    urls: Mapping[str, str]
    keys: Mapping[str, bytes]


async def start(state_directory: StateDirectory, node: str) -> Azurite:
    """Start Azurite on free ports of 127.0.0.1 with new random keys. Raises ProcessError."""
    keys = {slot: secrets.token_bytes(64) for slot in _SLOTS}
    accounts = ";".join(f"{slot}:{base64.b64encode(key).decode()}" for slot, key in keys.items())
    script = Path(__file__).parents[3] / _SCRIPT
    exit_with_parent = Path(__file__).with_name("exit_with_parent.cjs")
    command = [node, "--require", str(exit_with_parent), str(script)]
    command += ["--location", str(state_directory.data / "azurite")]
    command += ["--blobHost", "127.0.0.1", "--blobPort", "0"]
    command += ["--queueHost", "127.0.0.1", "--queuePort", "0"]
    command += ["--tableHost", "127.0.0.1", "--tablePort", "0"]
    # Azurite's newest API version is older than the SDKs', whose requests it would refuse.
    command += ["--skipApiVersionCheck"]
    command += ["--silent", "--disableTelemetry"]
    listening = r"Azurite {} service is successfully listen\w* (?:at|on) (http://127\.0\.0\.1:\d+)"
    child, urls = await process.start(
        "azurite",
        command,
        log=state_directory.logs / "azurite.log",
        ready={"blob": listening.format("Blob"), "queue": listening.format("Queue")},
        environment={"AZURITE_ACCOUNTS": accounts},
        folder=state_directory.run,
    )
    return Azurite(child=child, urls=urls, keys=keys)


class AccountSlots:
    """Which of Azurite's accounts holds which deployed account; saved in a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._slots_by_account: dict[str, str] = {}
        if path.exists():
            self._slots_by_account = json.loads(path.read_text())

    def slot_of(self, account: str) -> str:
        """The slot of a deployed account, which gets one at the first call. Raises AccountSlotsExhaustedError."""
        if account not in self._slots_by_account:
            used = set(self._slots_by_account.values())
            free = [slot for slot in _SLOTS if slot not in used]
            if not free:
                raise AccountSlotsExhaustedError(
                    f"the emulator supports at most {len(_SLOTS)} storage accounts; {account} is one more"
                )
            self._slots_by_account[account] = free[0]
            self._save()
        return self._slots_by_account[account]

    def release(self, account: str) -> None:
        """Frees the slot of an account, whose containers and queues must be deleted already."""
        self._slots_by_account.pop(account, None)
        self._save()

    def _save(self) -> None:
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps(self._slots_by_account))
        temporary.replace(self._path)
