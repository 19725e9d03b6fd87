"""The tables of what lists and searches cost, for the decision about the data model."""

from collections.abc import Sequence

from infra.config.query_costs import (
    COUNTS_ON_DEMAND,
    DATA_MODELS,
    RECORD_QUERIES,
    RecordQuery,
    RecordVolume,
    partitions_at_limit,
    record_volume,
)

_IMAGES_PER_MONTH = (5_000, 500_000, 50_000_000)


def volumes_table() -> str:
    """Return the records of a year, by images a month, without and with embeddings."""
    rows = [
        ["images a month", "embeddings", "records", "GB with index", "physical partitions", "RU/s of the container"],
        *(
            [
                f"{volume.images_per_month:,}",
                "yes" if volume.embeddings else "no",
                f"{volume.items:,}",
                f"{volume.container.storage_gb:,.1f}",
                f"{volume.container.physical_partitions:,}",
                f"{volume.container.max_ru:,}",
            ]
            for volume in _volumes()
        ),
    ]
    return _table(rows)


def queries_table() -> str:
    """Return the charge of each query in RU, and up to how many physical partitions it is allowed."""
    volumes = _volumes()
    header = ["query", *(_volume_title(volume) for volume in volumes), "partitions at the limit"]
    rows = [[query.name, *_charges(query, volumes), _limits(query)] for query in RECORD_QUERIES]
    return _table([header, *rows, [COUNTS_ON_DEMAND.name, *_charges(COUNTS_ON_DEMAND, volumes), "not used"]])


def data_models_table() -> str:
    """Return the charges of each data model in RU, without embeddings."""
    volumes = [record_volume(images) for images in _IMAGES_PER_MONTH]
    header = ["data model", "a new image", *(f"list at {volume.images_per_month:,}" for volume in volumes), "remark"]
    rows = [
        [
            model.name,
            f"{model.write_ru(volumes[0]):.1f}",
            *(f"{model.list_ru(volume):,.1f}" for volume in volumes),
            model.remark,
        ]
        for model in DATA_MODELS
    ]
    return _table([header, *rows])


def _volumes() -> list[RecordVolume]:
    return [
        record_volume(images, embeddings=embeddings) for embeddings in (False, True) for images in _IMAGES_PER_MONTH
    ]


def _volume_title(volume: RecordVolume) -> str:
    return f"{volume.images_per_month:,}{' with embeddings' if volume.embeddings else ''}"


def _charges(query: RecordQuery, volumes: Sequence[RecordVolume]) -> list[str]:
    return [f"{query.request_units(volume):,.1f}" for volume in volumes]


def _limits(query: RecordQuery) -> str:
    limits = [partitions_at_limit(query, embeddings=embeddings) for embeddings in (False, True)]
    if limits[0] is None:
        return "reads none other"
    return f"{limits[0]}; with embeddings {limits[1]}"


def _table(rows: Sequence[Sequence[str]]) -> str:
    header, *body = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([header, "|---" * len(rows[0]) + "|", *body])
