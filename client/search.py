"""Searches the images of a stack through its API, as the identity that is signed in."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypedDict

from rich.console import Console
from rich.table import Table

from client.api import create_api_client
from client.stack_outputs import read_stack_outputs


class Match(TypedDict):
    """A reason for which an image is among the results."""

    kind: str
    text: str | None
    score: float | None


class ImageItem(TypedDict):
    """The parts of a result that are read here; docs/openapi.json has all of them."""

    name: str
    status: str
    caption: str | None
    labels: list[dict[str, str | float | None]]
    matches: list[Match]


class ImageList(TypedDict):
    """A page of results."""

    items: list[ImageItem]
    cursor: str | None


@dataclass(frozen=True, kw_only=True)
class SearchQuery:
    """What to search for.

    Attributes:
        words: Words; all images without.
        labels: Labels that the images have, all of them.
        min_confidence: Lowest confidence of these labels, from 0 to 1.
        limit: Number of images.
    """

    words: str | None = None
    labels: Sequence[str] = ()
    min_confidence: float | None = None
    limit: int = 25

    def parameters(self) -> dict[str, str]:
        """The parameters of the request."""
        parameters = {"limit": str(self.limit)}
        if self.words:
            parameters["q"] = self.words
        if self.labels:
            parameters["label"] = ",".join(self.labels)
        if self.min_confidence is not None:
            parameters["minConfidence"] = str(self.min_confidence)
        return parameters


def search_images(stack: str, query: SearchQuery) -> ImageList:
    """Return the first page of the images that meet a query.

    Raises:
        ClientError: The stack has no API, or the API cannot be reached or refuses the query.
    """
    api = create_api_client(stack, read_stack_outputs(stack))
    return api.send("GET", "images", parameters=query.parameters()).json()


def run_search(stack: str, query: SearchQuery, output_format: str) -> int:
    """Print the images that meet a query as a table, or as one line of JSON each.

    Returns:
        The exit code, 0.
    """
    images = search_images(stack, query)
    if output_format == "json":
        for item in images["items"]:
            print(json.dumps(item, ensure_ascii=False))
        return 0
    Console().print(create_search_table(images))
    return 0


def create_search_table(images: ImageList) -> Table:
    """Return a table with a row for each image, and the reasons for which it matches."""
    caption = None
    if not images["items"]:
        caption = "no image fits"
    elif images["cursor"] is not None:
        caption = "there are more"
    table = Table(caption=caption)
    for column in ("name", "status", "caption", "why"):
        table.add_column(column, overflow="fold")
    for item in images["items"]:
        table.add_row(item["name"], item["status"], item["caption"] or "", ", ".join(map(_match_text, item["matches"])))
    return table


def _match_text(match: Match) -> str:
    text = "" if match["text"] is None else f" {match['text']!r}"
    score = "" if match["score"] is None else f" {match['score']:.2f}"
    return f"{match['kind']}{text}{score}"
