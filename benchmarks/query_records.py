"""Records for the benchmark of the queries: of about 3 KB, with labels as frequent as words are.

With embeddings they have about 15 KB. The embedding of an image is the sum of its labels' directions, so that images
are the more similar, the more labels they share.
"""

import itertools
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
from classifier.domain.events import Message
from classifier.domain.records import create_record, describe_unread_blob
from common.domain.findings import BoundingBox, Caption, DetectedObject, Findings, Tag, TextLine
from common.domain.models import Analysis
from common.domain.queries import VECTOR_DIMENSIONS
from common.domain.record import RecordStatus
from msgspec import UNSET

from tests.support.in_memory_services import message

# The end of the year in which the records were made.
NOW = datetime(2026, 11, 1, tzinfo=UTC)
_VOCABULARY = 2_000
_TAGS = 17
# Numbers of an embedding are stored with so many decimal places: a 32-bit number has seven digits.
_DECIMALS = 8


class Embeddings:
    """Embeddings of labels' combinations."""

    def __init__(self) -> None:
        generator = np.random.default_rng(1)
        self._directions = generator.standard_normal((_VOCABULARY, VECTOR_DIMENSIONS), dtype=np.float32)

    def of_labels(self, labels: Sequence[str]) -> tuple[float, ...]:
        """The embedding of an image with these labels."""
        ranks = [int(label.removeprefix("label")) - 1 for label in labels]
        vector = self._directions[ranks].sum(axis=0)
        return tuple((vector / np.linalg.norm(vector)).astype(np.float64).round(_DECIMALS).tolist())


def create_records(count: int, embeddings: Embeddings | None = None) -> Iterator[dict[str, Any]]:
    """Create records of about 3 KB, as JSON: tags by Zipf's law, a caption, objects and lines of text.

    A percent of them has failed. With `embeddings`, all others have one.
    """
    generator = random.Random(1)  # noqa: S311 (no secret depends on it)
    vocabulary = [f"label{rank}" for rank in range(1, _VOCABULARY + 1)]
    weights = list(itertools.accumulate(1 / rank for rank in range(1, _VOCABULARY + 1)))
    parsed = Message.parse(message("image.png"))
    box = BoundingBox(x=10, y=20, width=300, height=400)
    for number in range(count):
        processed_at = NOW - timedelta(days=365 * generator.random())
        failed = generator.random() < 0.01
        status = RecordStatus.FAILED if failed else RecordStatus.CLASSIFIED
        name = f"{number}.png"
        event = msgspec.structs.replace(parsed.event, name=name)
        record = create_record(
            msgspec.structs.replace(parsed, event=event),
            attempt=1,
            status=status,
            blob=describe_unread_blob(event, f"0x8D{number:013X}"),
            started=processed_at,
            finished=processed_at,
        )
        if not failed:
            names = sorted(set(generator.choices(vocabulary, cum_weights=weights, k=_TAGS)))
            tags = tuple(Tag(name=tag, confidence=round(generator.uniform(0.3, 1), 4)) for tag in names)
            findings = Findings(
                tags=tags,
                caption=Caption(text=f"a {names[0]} beside a {names[-1]}", confidence=0.8),
                objects=tuple(DetectedObject(name=tag, confidence=0.7, box=box) for tag in names[:6]),
                read=tuple(TextLine(text=f"line {line} of {names[0]}", confidence=0.9, box=box) for line in range(5)),
                vector=UNSET if embeddings is None else embeddings.of_labels(names),
            )
            analysis = Analysis(analyzer="benchmark", api_version="1", model_version="m", findings=findings)
            record = record.with_analysis(analysis, min_confidence=0.5)
        yield msgspec.to_builtins(record)
