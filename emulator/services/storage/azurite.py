"""Azurite, which keeps blobs and queues. Only the gateway knows its keys, so nobody gets past the role checks."""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from emulator.core import process
from emulator.core.state_directory import Home

# Azurite's accounts are fixed when it starts, so each deployed account is given one of these.
_SLOTS = tuple(f"slot{number}" for number in range(8))
_SCRIPT = Path("node_modules/azurite/dist/src/azurite.js")


class NoSlotError(Exception):
    """More storage accounts are deployed than Azurite was given."""


@dataclass(frozen=True, kw_only=True)
class Azurite:
    """A running Azurite: its URLs by service, its accounts' keys."""

    child: process.Child
    urls: Mapping[str, str]
    keys: Mapping[str, bytes]


async def start(home: Home, node: str) -> Azurite:
    """Starts Azurite on free ports of 127.0.0.1, with keys that nobody else learns."""
    keys = {slot: secrets.token_bytes(64) for slot in _SLOTS}
    accounts = ";".join(f"{slot}:{base64.b64encode(key).decode()}" for slot, key in keys.items())
    script = Path(__file__).parents[3] / _SCRIPT
    tether = Path(__file__).with_name("exit_with_parent.cjs")
    # Its newest API version lags behind the SDKs'; without the last but one flag it refuses them.
    command = [
        node, "--require", str(tether), str(script), "--location", str(home.data / "azurite"), "--silent",
        "--blobHost", "127.0.0.1", "--blobPort", "0", "--queueHost", "127.0.0.1", "--queuePort", "0",
        "--tableHost", "127.0.0.1", "--tablePort", "0", "--skipApiVersionCheck", "--disableTelemetry",
    ]  # fmt: skip
    listening = r"Azurite {} service is successfully listen\w* (?:at|on) (http://127\.0\.0\.1:\d+)"
    child, urls = await process.start(
        "azurite",
        command,
        log=home.logs / "azurite.log",
        ready={"blob": listening.format("Blob"), "queue": listening.format("Queue")},
        environment={"AZURITE_ACCOUNTS": accounts},
        folder=home.run,
    )
    return Azurite(child=child, urls=urls, keys=keys)


class Slots:
    """Which of Azurite's accounts holds which deployed account; remembered across starts."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._taken: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}

    def of(self, account: str) -> str:
        """The slot of a deployed account; its first call takes one. Raises NoSlotError."""
        if account not in self._taken:
            free = next((slot for slot in _SLOTS if slot not in self._taken.values()), None)
            if free is None:
                raise NoSlotError(f"the laptop holds at most {len(_SLOTS)} storage accounts; {account} is one more")
            self._taken[account] = free
            self._save()
        return self._taken[account]

    def release(self, account: str) -> None:
        """Gives the account's slot back; it must be empty."""
        self._taken.pop(account, None)
        self._save()

    def _save(self) -> None:
        temporary = self._path.with_suffix(".new")
        temporary.write_text(json.dumps(self._taken))
        temporary.replace(self._path)
