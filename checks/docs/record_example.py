"""A stored record as an example, out of tests/functions/pipeline/golden/."""

import json

from checks.docs.recordings import ROOT

_SCENARIOS = ROOT / "tests/functions/pipeline/golden"


def record_example(scenario: str) -> str:
    """Return the one record that a scenario leaves behind, as a collapsed block of JSON.

    Raises:
        ValueError: The scenario leaves no record behind, or several.
    """
    content = json.loads((_SCENARIOS / f"{scenario}.json").read_text())
    (record,) = content["images"]  # fails for any other number
    text = json.dumps(record, indent=2, ensure_ascii=False)
    return f"<details>\n<summary>A record</summary>\n\n```json\n{text}\n```\n\n</details>"
