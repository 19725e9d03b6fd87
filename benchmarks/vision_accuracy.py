"""How often the emulator's category is right, over the photos with a known subject that the installed packages ship.

Two rules are applied to the same outputs of the models: the plain one, by which the category is the surest class or
detected object (docs/decisions/0011), and the emulator's present one with general tags (docs/decisions/0038). Either
gives a category from the default of `minConfidencePercent` upward. A photo is `right`, `wrong` or has `none`. The time
is that of an analysis with `features=tags`, and the part of it that the rule takes.
"""

import argparse
import io
import json
import statistics
import sys
import time
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

from emulator.services.vision.detectable import DETECTABLE
from emulator.services.vision.models import Classifier, Detection, Detector
from emulator.services.vision.tags import TagHierarchy
from scripts.setup import build_models

ROOT = Path(__file__).resolve().parents[1]
PHOTOS = Path(__file__).with_name("photos.toml")
# The default of minConfidencePercent in Pulumi.yaml.
MIN_CONFIDENCE = 0.5


@dataclass(frozen=True, kw_only=True)
class Photo:
    """A photo with a known subject, and the categories that count as right."""

    path: Path
    subject: str
    accepted: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Category:
    """The surest tag; `outcome` is right, wrong, or none if no tag is sure enough."""

    name: str | None
    confidence: float
    outcome: str
    milliseconds: float


@dataclass(frozen=True, kw_only=True)
class Result:
    """What both rules make of a photo. `known` says whether any tag that the emulator can give would be right."""

    file: str
    subject: str
    known: bool
    before: Category
    after: Category
    models_milliseconds: float


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Counts of photos; milliseconds are medians over the photos."""

    photos: int
    right: int
    wrong: int
    none: int
    known: int
    right_of_known: int
    milliseconds: float
    rule_milliseconds: float


def read_photos(path: Path) -> list[Photo]:
    """Read photos.toml."""
    photos: list[Photo] = []
    for entry in tomllib.loads(path.read_text())["photo"]:
        source: str = entry["source"]
        folder = ROOT / source if source.startswith("node_modules/") else Path(str(files(source)))
        photos.append(
            Photo(path=folder / entry["file"], subject=entry["subject"], accepted=frozenset(entry["accepted"]))
        )
    return photos


def measure(photos: Sequence[Photo], models: Path) -> list[Result]:
    """Analyze each photo once, and apply both rules to the outputs of the models."""
    classifier = Classifier(models)
    detector = Detector(models)
    hierarchy = TagHierarchy(models / "hierarchy.json", DETECTABLE)
    results: list[Result] = []
    for photo in photos:
        image = Image.open(io.BytesIO(photo.path.read_bytes())).convert("RGB")
        started = time.perf_counter()
        probabilities = classifier.probabilities(image)
        detections = detector.detect(image)
        models_seconds = time.perf_counter() - started

        started = time.perf_counter()
        plain = _plain_tags(hierarchy.class_names, probabilities, detections)
        plain_seconds = time.perf_counter() - started

        started = time.perf_counter()
        general = [(tag.name, tag.confidence) for tag in hierarchy.tags(probabilities, detections)]
        general_seconds = time.perf_counter() - started
        results.append(
            Result(
                file=photo.path.name,
                subject=photo.subject,
                known=not photo.accepted.isdisjoint(hierarchy.names()),
                before=_category(plain, photo, plain_seconds),
                after=_category(general, photo, general_seconds),
                models_milliseconds=models_seconds * 1000,
            )
        )
    return results


def _plain_tags(
    class_names: list[str], probabilities: np.ndarray, detections: Sequence[Detection]
) -> list[tuple[str, float]]:
    """The rule before general tags: each class and each detected object for itself, by falling confidence."""
    tags = [(class_names[index], float(probabilities[index])) for index in np.argsort(-probabilities)[:10]]
    tags.extend((detection.name, detection.confidence) for detection in detections)
    return sorted(tags, key=lambda tag: -tag[1])


def _category(tags: Sequence[tuple[str, float]], photo: Photo, seconds: float) -> Category:
    """The rule of the function code: the first tag by falling confidence, if it is sure enough."""
    name, confidence = tags[0] if tags else ("", 0.0)
    if confidence < MIN_CONFIDENCE:
        return Category(name=None, confidence=confidence, outcome="none", milliseconds=seconds * 1000)
    outcome = "right" if name in photo.accepted else "wrong"
    return Category(name=name, confidence=confidence, outcome=outcome, milliseconds=seconds * 1000)


def summarize(results: Sequence[Result], rule: str) -> Summary:
    """Count the outcomes of a rule, `before` or `after`."""
    categories = [result.before if rule == "before" else result.after for result in results]
    outcomes = [category.outcome for category in categories]
    known = [outcome for outcome, result in zip(outcomes, results, strict=True) if result.known]
    rule_time = statistics.median(category.milliseconds for category in categories)
    models_time = statistics.median(result.models_milliseconds for result in results)
    return Summary(
        photos=len(results),
        right=outcomes.count("right"),
        wrong=outcomes.count("wrong"),
        none=outcomes.count("none"),
        known=len(known),
        right_of_known=known.count("right"),
        milliseconds=models_time + rule_time,
        rule_milliseconds=rule_time,
    )


def _photo_table(results: Sequence[Result]) -> Table:
    table = Table()
    for column in ("photo", "subject", "known", "before", "after"):
        table.add_column(column)
    for result in results:
        table.add_row(
            result.file,
            result.subject,
            "yes" if result.known else "no",
            _cell(result.before),
            _cell(result.after),
        )
    return table


def _cell(category: Category) -> str:
    if category.name is None:
        return "none"
    text = f"{category.name} {category.confidence:.0%}"
    return text if category.outcome == "right" else f"[red]{text} (wrong)[/red]"


def _summary_table(summaries: dict[str, Summary]) -> Table:
    table = Table(title="top-category accuracy")
    for column in ("rule", "right", "wrong", "none", "right of known subjects", "analysis ms", "of it the rule ms"):
        table.add_column(column, justify="left" if column == "rule" else "right")
    for rule, summary in summaries.items():
        table.add_row(
            rule,
            f"{summary.right} of {summary.photos} ({summary.right / summary.photos:.0%})",
            str(summary.wrong),
            str(summary.none),
            f"{summary.right_of_known} of {summary.known} ({summary.right_of_known / summary.known:.0%})",
            f"{summary.milliseconds:.1f}",
            f"{summary.rule_milliseconds:.2f}",
        )
    return table


def main() -> int:
    """Print each photo's category and the accuracy, by the rule before and by the present one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--format", choices=("table", "json"), default="table")
    arguments = parser.parse_args()
    results = measure(read_photos(PHOTOS), build_models())
    summaries = {rule: summarize(results, rule) for rule in ("before", "after")}
    if arguments.format == "json":
        document = {rule: asdict(summary) for rule, summary in summaries.items()}
        print(json.dumps({**document, "photos": [asdict(result) for result in results]}))
    else:
        console = Console(width=None if sys.stdout.isatty() else 120)
        console.print(_photo_table(results))
        console.print(_summary_table(summaries))
    return 0


if __name__ == "__main__":
    sys.exit(main())
