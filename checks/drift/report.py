"""The drift of a stack as Markdown, for an issue, and as JSON."""

import json
from dataclasses import asdict
from typing import Any

from checks.drift.allow_list import DriftResult
from checks.drift.comparison import Difference, MissingResource

_LONGEST_VALUE = 200
_ADVICE = """\
`pulumi refresh` was run with `--preview-only`: the state of the stack was not written.

- If Azure is wrong, run `pulumi up --refresh`: it restores what the program states. Without `--refresh`, Pulumi
  compares the program with the state, which does not know of the change.
- If Azure is right, change the program or the settings, and deploy.
- If the difference comes back without a cause, find out which policy or person makes the change (activity log). Only if
  nobody does, add it to `checks/drift/allowed.yaml` with the number of an issue.
"""


def render_markdown(stack: str, missing: list[MissingResource], result: DriftResult) -> str:
    """Return the text of the issue; also when there is no drift."""
    lines: list[str] = []
    if not missing and not result.drift:
        lines += [f"No drift in the stack `{stack}`.", ""]
    if missing:
        lines += [f"**Resources of the stack `{stack}` that do not exist in Azure any more: {len(missing)}**", ""]
        lines += ["| resource | type | id |", "|---|---|---|"]
        lines += [f"| {_code(item.name)} | {_code(item.type)} | {_code(item.id)} |" for item in missing]
        lines += [""]
    if result.drift:
        lines += [f"**Properties of the stack `{stack}` that have another value in Azure: {len(result.drift)}**", ""]
        lines += ["| resource | type | property | stated by the program | in Azure |", "|---|---|---|---|---|"]
        lines += [_row(difference) for difference in result.drift]
        lines += [""]
    if missing or result.drift:
        lines += [_ADVICE]
    if result.allowed:
        lines += [f"<details><summary>Known differences that are no drift: {len(result.allowed)}</summary>", ""]
        lines += ["| resource | property | issue | reason |", "|---|---|---|---|"]
        lines += [
            f"| {_code(difference.name)} | {_code(difference.property)} | {entry.issue} | {entry.reason} |"
            for difference, entry in result.allowed
        ]
        lines += ["", "</details>", ""]
    return "\n".join(lines)


def render_json(stack: str, missing: list[MissingResource], result: DriftResult) -> str:
    """Return the same as a JSON document."""
    document: dict[str, Any] = {
        "stack": stack,
        "missing": [asdict(item) for item in missing],
        "drift": [asdict(difference) for difference in result.drift],
        "allowed": [{**asdict(difference), "issue": entry.issue} for difference, entry in result.allowed],
    }
    return json.dumps(document, indent=2) + "\n"


def _row(difference: Difference) -> str:
    cells = [difference.name, difference.type, difference.property]
    values = [json.dumps(difference.stated), json.dumps(difference.actual)]
    return "| " + " | ".join(_code(cell) for cell in [*cells, *values]) + " |"


def _code(text: str) -> str:
    """Text of any origin as code in a table's cell: it ends no cell, is no markup, and mentions nobody."""
    if len(text) > _LONGEST_VALUE:
        text = text[:_LONGEST_VALUE] + "…"
    text = text.replace("`", "'").replace("|", "\\|").replace("\r", " ").replace("\n", " ")
    return f"`{text}`"
