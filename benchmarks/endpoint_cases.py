"""The requests of the benchmark of endpoints, over the records of `query_records`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from benchmarks.query_records import NOW

FIRST_PAGE = "first page"
FILTERED_PAGE = "by label"


@dataclass(frozen=True, kw_only=True)
class Case:
    """Requests that ask for the same, which are sent in turn.

    Attributes:
        operation: The operation of the API.
        paths: The parameters of the path of each request.
        query: The parameters of the query.
        body: The body, sent as JSON; None without.
        has_embeddings: Whether the API has embeddings of texts.
        status: The status of the answers.
    """

    operation: str
    paths: Sequence[Mapping[str, str]] = ({},)
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    body: Mapping[str, str | int] | None = None
    has_embeddings: bool = False
    status: int = 200

    @property
    def content(self) -> bytes:
        """The body as it is sent."""
        return b"" if self.body is None else json.dumps(self.body).encode()


def create_cases(ids: Sequence[str], cursor: str) -> dict[str, Case]:
    """The requests, by what they ask for.

    Args:
        ids: Ids of images.
        cursor: Of the second page of the newest images.
    """
    lists: dict[str, Mapping[str, str]] = {
        FIRST_PAGE: {},
        "second page": {"cursor": cursor},
        "first page of 100": {"limit": "100"},
        FILTERED_PAGE: {"label": "label1"},
        "by a rare label": {"label": "label100"},
        "by two labels": {"label": "label1,label2"},
        "by label, 80 % confidence": {"label": "label1", "minConfidence": "0.8"},
        "by category": {"category": "label1"},
        "by status": {"status": "failed"},
        "of a day": {"since": _time(200), "until": _time(199)},
        "with a word, newest": {"q": "label100", "sort": "newest"},
        "best for two words": {"q": "label100 label200"},
    }
    cases = {name: Case(operation="list_images", query=query) for name, query in lists.items()}
    cases |= {
        name: Case(operation="list_images", query=query, has_embeddings=True)
        for name, query in {
            "best for two words and their meaning": {"q": "label100 label200"},
            "best for words that no image has": {"q": "sunset beach"},
            "best for words, by label": {"q": "label100 label200", "label": "label1"},
        }.items()
    }
    images = [{"id": image_id} for image_id in ids]
    cases |= {
        "similar images": Case(operation="find_similar_images", paths=images),
        "a record": Case(operation="get_image", paths=images),
        "URL of the content": Case(operation="get_image_content", paths=images),
        "URL for an upload": Case(
            operation="create_upload",
            body={"name": "new image.png", "contentType": "image/png", "sizeBytes": 1000},
            status=201,
        ),
        "deletion": Case(operation="delete_image", paths=images, status=202),
        "configuration": Case(operation="get_configuration"),
    }
    for name in ("list_labels", "list_categories", "get_statistics"):
        cases[f"{name.partition('_')[2]} of 31 days"] = Case(operation=name)
    return cases


def _time(days: int) -> str:
    return (NOW - timedelta(days=days)).isoformat().replace("+00:00", "Z")
