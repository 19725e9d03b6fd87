"""How well a search over the packaged photos finds what is there, and how often it finds what is not.

The queries and the photos that each should find are in search_queries.toml; a third of them have none. Three searches
are compared:

- `words`: every word of the query is a word of the photo's labels, from `minConfidencePercent` upward, or of the text
  that was read in it;
- `meaning`: the cosine of the vectors of query and photo reaches the cut-off;
- `either`: what one of them finds.

The cut-off is the one with the largest difference between the share of hits and the share of false answers. It is
calibrated on every second query, and the figures are given for the others, too.
"""

import argparse
import json
import re
import resource
import statistics
import sys
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.vision_accuracy import MIN_CONFIDENCE, PHOTOS, read_photos
from emulator.services.vision.analysis import Analyzer
from emulator.services.vision.embeddings import TextEmbedder, create_embedders
from emulator.services.vision.recognition import Recognizer
from emulator.services.vision.requests import Request
from scripts.setup import build_models

QUERIES = Path(__file__).with_name("search_queries.toml")
METHODS = ("words", "meaning", "either")
_STOP_WORDS = frozenset({"a", "an", "at", "by", "in", "of", "on", "the", "with"})
_ANALYZE = {"api-version": "2023-10-01", "features": "tags,read"}
_RETRIEVE = {"api-version": "2024-02-01", "model-version": "2023-04-15"}


@dataclass(frozen=True, kw_only=True)
class Query:
    """A search, and the names of the photos that it should find."""

    text: str
    photos: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class IndexedPhoto:
    """What a search knows of a photo."""

    name: str
    words: frozenset[str]
    vector: np.ndarray


@dataclass(frozen=True, kw_only=True)
class QueryResult:
    """The answers to a query: photos that have all its words, and the cosine of every photo."""

    query: Query
    words: frozenset[str]
    cosines: Mapping[str, float]
    milliseconds: float

    def answers(self, method: str, cut_off: float) -> list[str]:
        """Return the names of the photos that a method finds, the best first."""
        near = {name for name, cosine in self.cosines.items() if cosine >= cut_off}
        names = {"words": set(self.words), "meaning": near, "either": near | self.words}[method]
        return sorted(names, key=lambda name: (name not in self.words or method == "meaning", -self.cosines[name]))


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Counts of queries.

    Attributes:
        there: Queries for what a photo shows.
        hits: Of them, with a right photo among the answers.
        first_right: Of them, with a right photo as the first answer.
        absent: Queries for what no photo shows.
        false_answers: Of them, with an answer.
    """

    there: int
    hits: int
    first_right: int
    absent: int
    false_answers: int


def read_queries(path: Path) -> list[Query]:
    """Read search_queries.toml."""
    entries = tomllib.loads(path.read_text())["query"]
    return [Query(text=entry["text"], photos=frozenset(entry["photos"])) for entry in entries]


def words_of(text: str) -> frozenset[str]:
    """Return the words of a text without stop words, in lower case and without the `s` of a plural."""
    words = set(re.findall(r"\w+", text.lower())) - _STOP_WORDS
    return frozenset(word.removesuffix("s") if len(word) > 3 else word for word in words)


def search(queries: Sequence[Query], models: Path) -> list[QueryResult]:
    """Analyze the photos of photos.toml, and run every query."""
    recognizer = Recognizer(models)
    analyzer = Analyzer(recognizer)
    image_embedder, text_embedder = create_embedders(recognizer, models)
    photos: list[IndexedPhoto] = []
    for photo in read_photos(PHOTOS):
        content = photo.path.read_bytes()
        analysis = analyzer.analyze(Request(content=content, query=_ANALYZE))
        texts = [tag["name"] for tag in analysis["tagsResult"]["values"] if tag["confidence"] >= MIN_CONFIDENCE]
        texts += [line["text"] for block in analysis["readResult"]["blocks"] for line in block["lines"]]
        vector = image_embedder.vectorize(Request(content=content, query=_RETRIEVE))["vector"]
        photos.append(IndexedPhoto(name=photo.path.name, words=words_of(" ".join(texts)), vector=np.array(vector)))
    return [_find(query, photos, text_embedder) for query in queries]


def _find(query: Query, photos: Sequence[IndexedPhoto], text_embedder: TextEmbedder) -> QueryResult:
    body = json.dumps({"text": query.text}).encode()
    started = time.perf_counter()
    answer = text_embedder.vectorize(Request(content=body, query=_RETRIEVE, content_type="application/json"))
    seconds = time.perf_counter() - started
    vector = np.array(answer["vector"])
    return QueryResult(
        query=query,
        words=frozenset(photo.name for photo in photos if words_of(query.text) <= photo.words),
        cosines={photo.name: float(photo.vector @ vector) for photo in photos},
        milliseconds=seconds * 1000,
    )


def calibrate(results: Sequence[QueryResult]) -> float:
    """Return the cut-off of `meaning`, in hundredths: the best by Youden's index, of equals the highest."""

    def index(cut_off: float) -> float:
        summary = summarize(results, "meaning", cut_off)
        return summary.hits / summary.there - summary.false_answers / summary.absent

    return max((hundredths / 100 for hundredths in range(100, 0, -1)), key=index)


def summarize(results: Sequence[QueryResult], method: str, cut_off: float) -> Summary:
    """Count what a method finds."""
    there = [item for item in results if item.query.photos]
    absent = [item for item in results if not item.query.photos]
    answers = [(item.query.photos, item.answers(method, cut_off)) for item in there]
    return Summary(
        there=len(there),
        hits=sum(not photos.isdisjoint(names) for photos, names in answers),
        first_right=sum(names[:1] != [] and names[0] in photos for photos, names in answers),
        absent=len(absent),
        false_answers=sum(item.answers(method, cut_off) != [] for item in absent),
    )


def _query_table(results: Sequence[QueryResult], cut_off: float) -> Table:
    table = Table()
    for column in ("query", "should find", "words", "meaning"):
        table.add_column(column)
    for item in results:
        cells = [_cell(item, method, cut_off) for method in ("words", "meaning")]
        table.add_row(item.query.text, ", ".join(sorted(item.query.photos)) or "nothing", *cells)
    return table


def _cell(item: QueryResult, method: str, cut_off: float) -> str:
    names = item.answers(method, cut_off)
    texts = [f"{name} {item.cosines[name]:.2f}" if method == "meaning" else name for name in names]
    return ", ".join(
        text if name in item.query.photos else f"[red]{text}[/red]" for name, text in zip(names, texts, strict=True)
    )


def _summary_table(summaries: Mapping[str, Mapping[str, Summary]]) -> Table:
    table = Table(title="search")
    for column in ("queries", "search", "hits", "first answer right", "false answers"):
        table.add_column(column, justify="left" if column in {"queries", "search"} else "right")
    for group, by_method in summaries.items():
        for method, summary in by_method.items():
            table.add_row(
                group,
                method,
                f"{summary.hits} of {summary.there} ({summary.hits / summary.there:.0%})",
                str(summary.first_right),
                f"{summary.false_answers} of {summary.absent} ({summary.false_answers / summary.absent:.0%})",
            )
    return table


def main() -> int:
    """Print what each search finds, the cut-off, and the time of a query."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--format", choices=("table", "json"), default="table")
    arguments = parser.parse_args()
    results = search(read_queries(QUERIES), build_models())
    cut_off = calibrate(results[0::2])
    groups = {"all": results, "calibration": results[0::2], "held out": results[1::2]}
    summaries = {
        group: {method: summarize(items, method, cut_off) for method in METHODS} for group, items in groups.items()
    }
    milliseconds = statistics.median(item.milliseconds for item in results)
    # Of this process, on Linux in KiB: all models of the emulator but those for adult content.
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if arguments.format == "json":
        document = {
            group: {method: asdict(summary) for method, summary in by_method.items()}
            for group, by_method in summaries.items()
        }
        print(json.dumps({**document, "cutOff": cut_off, "milliseconds": milliseconds, "memoryMebibytes": memory}))
    else:
        console = Console(width=None if sys.stdout.isatty() else 160)
        console.print(_query_table(results, cut_off))
        console.print(_summary_table(summaries))
        console.print(f"cut-off {cut_off:.2f}; the vector of a query {milliseconds:.1f} ms; {memory:.0f} MiB of memory")
    return 0


if __name__ == "__main__":
    sys.exit(main())
