"""Fault injection: errors of Azure's services with the probabilities in a file.

The file is read again whenever it changes; without one nothing fails. `benchmarks/soak.py` writes it.
"""

import json
import random
from pathlib import Path


class Faults:
    """Probabilities, 0 to 1, by name.

    `throttled` and `failing` of Vision's calls, `duplicated` of blob events; `deploymentCancelled`,
    `deploymentConflict` and `deploymentPartialSuccess` of the deployments of packages, which then end in that status.
    `termsNotAccepted` of new Vision accounts: 1 in a subscription that has not accepted the Responsible AI terms.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_at = 0
        self._probabilities: dict[str, float] = {}

    def should_fail(self, name: str) -> bool:
        """True with the probability of the fault."""
        try:
            changed = self._path.stat().st_mtime_ns
        except FileNotFoundError:
            return False
        if changed != self._read_at:
            self._probabilities = json.loads(self._path.read_text())
            self._read_at = changed
        return random.random() < self._probabilities.get(name, 0)  # noqa: S311 (no secret depends on it)
