"""The comment: a report as Markdown, with what a reviewer must not overlook first."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from checks.plan.changes import ResourceChange
from checks.plan.comment_access import access_section, data_section, network_section
from checks.plan.comment_cost import cost_section
from checks.plan.comment_resources import group_changes, resources_section
from checks.plan.event_log import PolicyViolation
from checks.plan.inputs import ScanResult
from checks.plan.markdown import code, code_block, cut, table
from checks.plan.report import PlanReport, Problem
from checks.plan.urn import name_of


class CommentLimit(StrEnum):
    """Where the comment is posted."""

    GITHUB = "github"
    AZURE_DEVOPS = "azure-devops"

    @property
    def characters(self) -> int:
        """The longest comment that is accepted; neither service documents it.

        GitHub answers "body is too long (maximum is 65536 characters)"
        (https://github.com/orgs/community/discussions/27190), Azure DevOps "A discussion comment cannot be longer than
        150000 characters" (https://github.com/runatlantis/atlantis/pull/1585).
        """
        return 65_536 if self is CommentLimit.GITHUB else 150_000


def render_comment(report: PlanReport, limit: CommentLimit = CommentLimit.GITHUB) -> str:
    """Return the comment, cut to the length that the service accepts."""
    groups = group_changes(report.changes)
    sections = (
        _verdict(report, groups),
        _problems(report.problems),
        data_section(report.data_risks, failed=report.failed),
        access_section(report.role_assignments, report.role_definitions),
        network_section(report.network_openings),
        resources_section(groups),
        cost_section(report.cost),
        _policy(report.policy_violations),
        _scan(report.scan_results),
    )
    notice = (
        f"**Cut to {limit.characters:,} characters, the longest comment that is accepted.** The whole plan is in the"
        " JSON of `python -m checks.plan --format json`."
    )
    lines = [line for section in sections for line in section]
    # The line break at the end counts as well.
    return cut(lines[:-1], maximum=limit.characters - 1, notice=notice) + "\n"


def _marker(stack: str) -> str:
    """The first line of the comment, by which a pipeline finds it to update it; it is not shown."""
    name = "".join(character for character in stack if character.isalnum() or character in "_.")
    return f"<!-- image-pipeline plan {name} -->"


def _verdict(report: PlanReport, groups: Mapping[str, Sequence[ResourceChange]]) -> Iterator[str]:
    yield _marker(report.stack)
    yield f"## Plan of stack {code(report.stack)}" if report.stack else "## Plan"
    yield ""
    if report.failed:
        yield "**Failed.** The stack cannot be deployed like this, and the plan may be incomplete."
        yield ""
    if report.needs_approval:
        yield f"**Needs approval:** {'; '.join(report.approval_reasons)}."
        yield ""
    elif not report.failed:
        yield (
            "**Needs no approval:** no data is lost or guarded less, no role is added or widened, and no resource is"
            " reachable from more networks."
        )
        yield ""
    counts = [f"{len(changes)} {heading[0].lower()}{heading[1:]}" for heading, changes in groups.items()]
    if report.unchanged is not None:
        counts.append(f"{report.unchanged} unchanged")
    if counts:
        yield f"Resources: {'; '.join(counts)}."
        yield ""


def _problems(problems: Sequence[Problem]) -> Iterator[str]:
    if not problems:
        return
    yield "### Errors and warnings"
    yield ""
    for problem in problems:
        resource = f" about {code(problem.name)} ({code(problem.type)})" if problem.type else ""
        yield f"{problem.severity.capitalize()}{resource}:"
        yield ""
        yield from code_block(problem.message)
        yield ""


def _policy(violations: Sequence[PolicyViolation] | None) -> Iterator[str]:
    if violations is None:
        return
    yield "### Policy"
    yield ""
    if violations:
        rows = [
            [code(item.enforcement_level), code(item.policy_name), code(name_of(item.resource_urn)), code(item.message)]
            for item in violations
        ]
        yield from table(("level", "policy", "resource", "violation"), rows)
    else:
        yield "No violation."
    yield ""


def _scan(results: Sequence[ScanResult] | None) -> Iterator[str]:
    if results is None:
        return
    yield "### checkov"
    yield ""
    rows = [
        [code(item.network), f"{item.passed}", f"{item.failed}", f"{item.suppressed}", f"{item.stale}"]
        for item in results
    ]
    headings = ("network", "passed", "failed", "suppressed", "stale suppressions")
    yield from table(headings, rows, right=(1, 2, 3, 4))
    yield ""
