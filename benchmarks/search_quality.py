"""How well a search over the packaged photos finds what is there, and how often it finds what is not.

The queries and the photos that each should find are in search_queries.toml; a third of them have none. What is measured
is the API's own search (benchmarks/photo_search.py), in four forms:

- `labels`: a list of the photos with the text as label (`label=`);
- `words`: a search without embeddings (`q=`);
- `meaning`: of a search with embeddings, what is similar enough;
- `hybrid`: a search with embeddings, by words and by meaning.

The cut-off, `minSimilarityPercent`, is the one with the largest difference between the share of hits and the share of
false answers of `meaning`. It is calibrated on every second query, and the figures are given for the others, too.
"""

import argparse
import asyncio
import json
import resource
import statistics
import sys
import time
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from image_api.domain.search import ImageList, ListQuery, MatchKind
from image_api.use_cases.search import Search
from rich.console import Console
from rich.table import Table

from benchmarks.photo_search import PhotoSearches, open_searches
from benchmarks.vision_accuracy import MIN_CONFIDENCE, PHOTOS, read_photos

QUERIES = Path(__file__).with_name("search_queries.toml")
METHODS = ("labels", "words", "meaning", "hybrid")
# Below every similarity, so that all of them are known.
_NO_CUT_OFF = -1.0
# More than there are photos.
_PAGE_SIZE = 100


@dataclass(frozen=True, kw_only=True)
class Query:
    """A search, and the names of the photos that it should find."""

    text: str
    photos: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class QuerySimilarities:
    """The similarity of each photo to a query, by name."""

    query: Query
    similarities: Mapping[str, float]

    def answers(self, cut_off: float) -> list[str]:
        """Return the photos with at least this similarity, the most similar first."""
        similar = [name for name, similarity in self.similarities.items() if similarity >= cut_off]
        return sorted(similar, key=lambda name: -self.similarities[name])


@dataclass(frozen=True, kw_only=True)
class QueryResult:
    """The answers to a query.

    Attributes:
        query: The query.
        answers: Names of photos by method, the best first.
        milliseconds: Time of the hybrid search, with the emulated services.
    """

    query: Query
    answers: Mapping[str, Sequence[str]]
    milliseconds: float


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


def calibrate(measurements: Sequence[QuerySimilarities]) -> float:
    """Return the cut-off of `meaning`, in hundredths: the best by Youden's index, of equals the highest."""

    def index(cut_off: float) -> float:
        summary = summarize([(one.query, one.answers(cut_off)) for one in measurements])
        return summary.hits / summary.there - summary.false_answers / summary.absent

    return max((hundredths / 100 for hundredths in range(100, 0, -1)), key=index)


def summarize(answers: Sequence[tuple[Query, Sequence[str]]]) -> Summary:
    """Count what the answers to queries are."""
    there = [(query, names) for query, names in answers if query.photos]
    absent = [names for query, names in answers if not query.photos]
    return Summary(
        there=len(there),
        hits=sum(not query.photos.isdisjoint(names) for query, names in there),
        first_right=sum(bool(names) and names[0] in query.photos for query, names in there),
        absent=len(absent),
        false_answers=sum(bool(names) for names in absent),
    )


def summarize_method(results: Sequence[QueryResult], method: str) -> Summary:
    """Count what a method answers."""
    return summarize([(one.query, one.answers[method]) for one in results])


async def measure(queries: Sequence[Query]) -> tuple[float, list[QueryResult]]:
    """Run every query over the photos of photos.toml in each form; return the calibrated cut-off, too."""
    photos = [photo.path for photo in read_photos(PHOTOS)]
    async with open_searches(photos, min_confidence=MIN_CONFIDENCE) as searches:
        unlimited = searches.create_search(embeddings=True, min_similarity=_NO_CUT_OFF)
        measurements = [await _similarities(unlimited, query) for query in queries]
        cut_off = calibrate(measurements[0::2])
        return cut_off, [await _answers(searches, measurement, cut_off) for measurement in measurements]


async def _similarities(search: Search, query: Query) -> QuerySimilarities:
    images = await search.list_images(ListQuery(q=query.text, limit=_PAGE_SIZE))
    similarities = {
        item.name: match.score
        for item in images.items
        for match in item.matches
        if match.kind is MatchKind.MEANING and match.score is not None
    }
    return QuerySimilarities(query=query, similarities=similarities)


async def _answers(searches: PhotoSearches, measurement: QuerySimilarities, cut_off: float) -> QueryResult:
    query = measurement.query
    words = searches.create_search(embeddings=False, min_similarity=cut_off)
    hybrid = searches.create_search(embeddings=True, min_similarity=cut_off)
    with_label = await words.list_images(ListQuery(label=(query.text,), limit=_PAGE_SIZE))
    with_words = await words.list_images(ListQuery(q=query.text, limit=_PAGE_SIZE))
    started = time.perf_counter()
    with_both = await hybrid.list_images(ListQuery(q=query.text, limit=_PAGE_SIZE))
    seconds = time.perf_counter() - started
    return QueryResult(
        query=query,
        answers={
            "labels": _names(with_label),
            "words": _names(with_words),
            "meaning": measurement.answers(cut_off),
            "hybrid": _names(with_both),
        },
        milliseconds=seconds * 1000,
    )


def _names(images: ImageList) -> list[str]:
    return [item.name for item in images.items]


def _query_table(results: Sequence[QueryResult]) -> Table:
    table = Table()
    for column in ("query", "should find", *METHODS):
        table.add_column(column, overflow="fold")
    for one in results:
        expected = ", ".join(sorted(one.query.photos)) or "nothing"
        table.add_row(one.query.text, expected, *(_cell(one, method) for method in METHODS))
    return table


def _cell(result: QueryResult, method: str) -> str:
    return ", ".join(name if name in result.query.photos else f"[red]{name}[/red]" for name in result.answers[method])


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
    cut_off, results = asyncio.run(measure(read_queries(QUERIES)))
    groups = {"all": results, "calibration": results[0::2], "held out": results[1::2]}
    summaries = {
        group: {method: summarize_method(items, method) for method in METHODS} for group, items in groups.items()
    }
    milliseconds = statistics.median(one.milliseconds for one in results)
    # Of this process, on Linux in KiB: all models of the emulator, and the recorded program.
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if arguments.format == "json":
        document = {
            group: {method: asdict(summary) for method, summary in by_method.items()}
            for group, by_method in summaries.items()
        }
        print(json.dumps({**document, "cutOff": cut_off, "milliseconds": milliseconds, "memoryMebibytes": memory}))
    else:
        console = Console(width=None if sys.stdout.isatty() else 160)
        console.print(_query_table(results))
        console.print(_summary_table(summaries))
        console.print(
            f"cut-off {cut_off:.2f} (minSimilarityPercent {cut_off * 100:.0f}); a search {milliseconds:.1f} ms in the"
            f" emulator; {memory:.0f} MiB of memory"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
