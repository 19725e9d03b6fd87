"""Faults on demand: what Azure's services do now and then, done as often as a file says.

The file is read anew whenever it changes; without one nothing fails. `tools/soak.py` writes it.
"""

import json
import random
from pathlib import Path


class Faults:
    """Shares, 0 to 1, by name.

    `throttled` and `failing` of Vision's calls, `duplicated` of blob events; `deploymentCancelled`,
    `deploymentConflict` and `deploymentPartialSuccess` of the deployments of packages, which then end in that status.
    `termsNotAccepted` of new Vision accounts: 1 in a subscription that has not accepted the Responsible AI terms.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = 0
        self._shares: dict[str, float] = {}

    def should_fail(self, name: str) -> bool:
        """Whether this is one of the times."""
        try:
            changed = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return False
        if changed != self._read_at:
            self._shares, self._read_at = json.loads(self._path.read_text()), changed
        return random.random() < self._shares.get(name, 0)  # noqa: S311 (no secret depends on it)
