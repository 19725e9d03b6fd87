"""The report of `make agreement`: figures of the comparisons, and the floors that they miss."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from client.agreement.comparisons import Comparison, ShadowInfo
from client.agreement.statistics import Estimate, bootstrap_mean, percentile, wilson_share

_MOST_LABELS = 20
_MOST_DISAGREEMENTS = 20
# What the emulator's models call themselves; they say nothing of the quality, latency or price of Azure's.
_EMULATED = "emulated:"


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """An image about which both analyzers differ.

    Attributes:
        blob_name: Its name.
        score: Mean of the agreements, from 0 to 1.
        labels, successor_labels: Labels of both.
        category, successor_category: Categories of both.
        caption, successor_caption: Captions of both.
        text, successor_text: Texts of both.
    """

    blob_name: str
    score: float
    labels: Sequence[str]
    successor_labels: Sequence[str]
    category: str | None
    successor_category: str | None
    caption: str | None
    successor_caption: str | None
    text: str | None
    successor_text: str | None


@dataclass(frozen=True, kw_only=True)
class Report:
    """How far a successor agrees, and what it takes.

    Attributes:
        analyzer, successor: Fingerprints of both.
        emulated: Whether the successor is one of the emulator's models.
        images: Compared images.
        outcomes: Images by what the successor made of them, with the codes of its rejections.
        means: Agreement of labels, category and captions, and error rate of the text; None where nothing was compared.
        labels: Share of the images with a label in either analysis in which both have it, by label; the most frequent.
        categories: Share of the images of a category in which the successor has it too, by category.
        formats: Mean agreement of the labels by format.
        disagreements: The images that agree least.
        cost_per_thousand: USD for a thousand images; None without measured tokens.
        latency_p50_ms, latency_p95_ms: Duration of the successor's calls.
        images_per_second: Rate in the busiest hours.
        quota_per_second: Images per second that the successor allows as the analyzer.
        missed: What the configuration requires and the figures do not meet.
    """

    analyzer: str
    successor: str
    emulated: bool
    images: int
    outcomes: dict[str, int]
    means: dict[str, Estimate | None]
    labels: dict[str, Estimate]
    categories: dict[str, Estimate]
    formats: dict[str, Estimate]
    disagreements: Sequence[Disagreement]
    cost_per_thousand: float | None
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    images_per_second: float
    quota_per_second: float
    missed: Sequence[str]


def create_report(comparisons: Sequence[Comparison], shadow: ShadowInfo) -> Report:
    """Return the report on the comparisons of one pair of analyzers."""
    means = {
        "labels": bootstrap_mean(
            [item["labelAgreement"] for item in comparisons if item["labelAgreement"] is not None]
        ),
        "category": bootstrap_mean(
            [float(item["sameCategory"]) for item in comparisons if item["sameCategory"] is not None]
        ),
        "caption": bootstrap_mean(
            [item["captionAgreement"] for item in comparisons if item["captionAgreement"] is not None]
        ),
        "text error": bootstrap_mean(
            [item["textErrorRate"] for item in comparisons if item["textErrorRate"] is not None]
        ),
    }
    latencies = [
        float(item["latencyMs"])
        for item in comparisons
        if item["latencyMs"] is not None and item["outcome"] != "rejected"
    ]
    versions = {item["successor"]["modelVersion"] or "" for item in comparisons}
    return Report(
        analyzer=comparisons[0]["main"]["fingerprint"] if comparisons else "",
        successor=comparisons[0]["successor"]["fingerprint"] if comparisons else "",
        emulated=any(version.startswith(_EMULATED) for version in versions),
        images=len(comparisons),
        outcomes=_outcomes(comparisons),
        means=means,
        labels=_label_shares(comparisons),
        categories=_category_shares(comparisons),
        formats=_format_means(comparisons),
        disagreements=_disagreements(comparisons),
        cost_per_thousand=_cost_per_thousand(comparisons, shadow),
        latency_p50_ms=percentile(latencies, 0.5),
        latency_p95_ms=percentile(latencies, 0.95),
        images_per_second=shadow.peak_rate,
        quota_per_second=shadow.images_per_second,
        missed=[*_missed(len(comparisons), means, shadow)],
    )


def _outcomes(comparisons: Sequence[Comparison]) -> dict[str, int]:
    names = (f"rejected: {item['reason']}" if item["reason"] else item["outcome"] for item in comparisons)
    return dict(Counter(names).most_common())


def _label_shares(comparisons: Sequence[Comparison]) -> dict[str, Estimate]:
    both: Counter[str] = Counter()
    either: Counter[str] = Counter()
    for item in comparisons:
        if item["labelAgreement"] is None:
            continue
        labels, others = ({_normalize(label) for label in item[side]["labels"]} for side in ("main", "successor"))
        both.update(labels & others)
        either.update(labels | others)
    return _shares(both, either, most=_MOST_LABELS)


def _category_shares(comparisons: Sequence[Comparison]) -> dict[str, Estimate]:
    same: Counter[str] = Counter()
    all_images: Counter[str] = Counter()
    for item in comparisons:
        category = item["main"]["category"]
        if item["sameCategory"] is None or category is None:
            continue
        all_images[_normalize(category)] += 1
        same[_normalize(category)] += item["sameCategory"]
    return _shares(same, all_images, most=_MOST_LABELS)


def _shares(agreeing: Counter[str], images: Counter[str], *, most: int) -> dict[str, Estimate]:
    estimates = {name: wilson_share(agreeing[name], count) for name, count in images.most_common(most)}
    return {name: estimate for name, estimate in estimates.items() if estimate is not None}


def _format_means(comparisons: Sequence[Comparison]) -> dict[str, Estimate]:
    by_format: dict[str, list[float]] = {}
    for item in comparisons:
        if item["labelAgreement"] is not None:
            by_format.setdefault(item["format"] or "unknown", []).append(item["labelAgreement"])
    estimates = {name: bootstrap_mean(values) for name, values in sorted(by_format.items())}
    return {name: estimate for name, estimate in estimates.items() if estimate is not None}


def _disagreements(comparisons: Sequence[Comparison]) -> list[Disagreement]:
    scored = [(score, item) for item in comparisons if (score := _score(item)) is not None and score < 1]
    scored.sort(key=lambda pair: (pair[0], pair[1]["blobName"]))
    return [
        Disagreement(
            blob_name=item["blobName"],
            score=score,
            labels=item["main"]["labels"],
            successor_labels=item["successor"]["labels"],
            category=item["main"]["category"],
            successor_category=item["successor"]["category"],
            caption=item["main"]["caption"],
            successor_caption=item["successor"]["caption"],
            text=item["main"]["text"],
            successor_text=item["successor"]["text"],
        )
        for score, item in scored[:_MOST_DISAGREEMENTS]
    ]


def _score(item: Comparison) -> float | None:
    """Return the mean of the agreements of one image; None if nothing was compared."""
    agreements = [item["labelAgreement"], item["captionAgreement"]]
    if item["sameCategory"] is not None:
        agreements.append(float(item["sameCategory"]))
    if item["textErrorRate"] is not None:
        agreements.append(1 - item["textErrorRate"])
    values = [value for value in agreements if value is not None]
    return sum(values) / len(values) if values else None


def _cost_per_thousand(comparisons: Sequence[Comparison], shadow: ShadowInfo) -> float | None:
    """Return what a thousand images cost by their measured tokens, and by what is charged for each: list prices."""
    measured = [item for item in comparisons if item["inputTokens"] is not None]
    if not measured:
        return None
    quantities = {
        "images": len(measured),
        "inputTokens": sum(item["inputTokens"] or 0 for item in measured),
        "outputTokens": sum(item["outputTokens"] or 0 for item in measured),
    }
    cost = sum(quantities[price["metric"]] * price["usd"] / price["per"] for price in shadow.prices)
    return 1_000 * cost / len(measured)


def _missed(images: int, means: dict[str, Estimate | None], shadow: ShadowInfo) -> Iterator[str]:
    if images < shadow.min_images:
        yield f"{images} images were compared; at least {shadow.min_images} are required (minImages)"
    floors = {
        "labels": (shadow.min_label_percent, "minLabelPercent"),
        "category": (shadow.min_category_percent, "minCategoryPercent"),
        "caption": (shadow.min_caption_percent, "minCaptionPercent"),
    }
    for name, (percent, setting) in floors.items():
        estimate = means[name]
        if percent and (estimate is None or estimate.mean * 100 < percent):
            yield f"{name}: {_percent(estimate)} of at least {percent} % ({setting})"
    ceiling = shadow.max_text_error_percent
    text = means["text error"]
    if ceiling < 100 and (text is None or text.mean * 100 > ceiling):
        yield f"text error: {_percent(text)} of at most {ceiling} % (maxTextErrorPercent)"


def _percent(estimate: Estimate | None) -> str:
    return "nothing was compared" if estimate is None else f"{estimate.mean:.1%}"


def _normalize(name: str) -> str:
    return name.strip().casefold()
