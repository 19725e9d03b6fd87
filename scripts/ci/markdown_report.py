"""A Markdown report that a pipeline publishes, and how its earlier version is recognized."""

import re
from dataclasses import dataclass
from typing import Protocol

from scripts.ci.errors import PipelineStepError


@dataclass(frozen=True, kw_only=True)
class Report:
    """A report of a pipeline.

    Attributes:
        key: Lower-case letters, digits and hyphens that identify the report, such as `plan-dev`. A report replaces the
            earlier one with the same key.
        title: The title, where there is one.
        body: The text, in Markdown.
    """

    key: str
    title: str
    body: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", self.key):
            raise PipelineStepError(f"the key {self.key!r} is not lower-case letters, digits and hyphens")

    @property
    def marker(self) -> str:
        """A comment that is not displayed, by which the earlier report is found."""
        return f"<!-- image-pipeline:{self.key} -->"

    def text(self, limit: int) -> str:
        """Return the body behind the marker, cut to so many characters; a last line says that it was cut."""
        text = f"{self.marker}\n{self.body}"
        if len(text) <= limit:
            return text
        note = "\n\n*Cut: the whole text is in the pipeline's artifacts.*"
        return text[: limit - len(note)] + note


class CodeHost(Protocol):
    """Where reports are published: GitHub or Azure DevOps. Methods return the URL of what they have written."""

    def publish_comment(self, report: Report) -> str:
        """Create or replace the comment on the pull request that the pipeline runs for."""
        ...

    def publish_issue(self, report: Report) -> str:
        """Create or update the one open issue."""
        ...

    def resolve_issue(self, report: Report) -> str | None:
        """Say in the open issue that its cause is gone; does nothing if there is no open issue."""
        ...
