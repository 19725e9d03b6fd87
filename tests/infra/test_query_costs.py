"""What queries cost, worked out by hand; and that what they cost is what the function code allows."""

import importlib

import pytest

from infra.config.query_costs import (
    COUNTS_ON_DEMAND,
    DATA_MODELS,
    QUERY_LIMIT_RU,
    RECORD_QUERIES,
    partitions_at_limit,
    record_volume,
)

SMALL, MEDIUM, LARGE = (record_volume(images) for images in (5_000, 500_000, 50_000_000))
QUERIES = {query.name: query for query in RECORD_QUERIES}


def test_a_year_of_records() -> None:
    assert (SMALL.items, MEDIUM.items, LARGE.items) == (60_833, 6_083_333, 608_333_333)
    # 5.2 KB each with the index; half a million a month fit one physical partition of 50 GB.
    assert [volume.container.storage_gb for volume in (SMALL, MEDIUM, LARGE)] == [0.3, 31.6, 3163.3]
    assert [volume.container.physical_partitions for volume in (SMALL, MEDIUM, LARGE)] == [1, 1, 64]
    assert record_volume(500_000, embeddings=True).container.physical_partitions == 4


@pytest.mark.parametrize(
    ("name", "one", "sixty_four"),
    [
        ("one record, by its id", 1.14, 1.14),
        # 2.25, and 21 items at 0.0452.
        ("newest 20; by time, status or category", 3.1992, 204.7488),
        ("by one or several labels", 3.1992, 204.7488),
        # 35 items, of which 21 have the confidence.
        ("by label, 80 % confidence or more", 3.832, 245.248),
        ("with all of some words", 3.1992, 204.7488),
        # 4.5, and 120 items.
        ("best 20 for some words", 9.924, 635.136),
        ("similar images", 3.154, 201.856),
        # 6.75, and 240 items.
        ("words and embedding, fused", 17.598, 1126.272),
        # Thirty reads of up to 32 KB.
        ("counts of 30 days, from their items", 65.7, 65.7),
    ],
)
def test_the_charge_of_each_query(name: str, one: float, sixty_four: float) -> None:
    assert QUERIES[name].request_units(MEDIUM) == pytest.approx(one)
    assert QUERIES[name].request_units(LARGE) == pytest.approx(sixty_four)


def test_counting_on_demand_loads_every_record() -> None:
    # 500,000 records at 0.0452, and 2.25.
    assert COUNTS_ON_DEMAND.request_units(MEDIUM) == pytest.approx(22_602.25)


def test_a_larger_record_makes_a_query_dearer() -> None:
    # 25 KB: 21 items at 0.23, in each of four partitions.
    assert QUERIES["by one or several labels"].request_units(record_volume(500_000, embeddings=True)) == pytest.approx(
        28.32
    )


def test_up_to_how_many_partitions_a_query_is_allowed() -> None:
    assert partitions_at_limit(QUERIES["by one or several labels"]) == 312
    assert partitions_at_limit(QUERIES["by one or several labels"], embeddings=True) == 141
    assert partitions_at_limit(QUERIES["words and embedding, fused"], embeddings=True) == 16
    assert partitions_at_limit(QUERIES["one record, by its id"]) is None
    assert partitions_at_limit(QUERIES["counts of 30 days, from their items"]) is None


def test_every_query_of_the_sample_profiles_without_embeddings_is_allowed() -> None:
    queries = [query for query in RECORD_QUERIES if "embedding" not in query.name and "similar" not in query.name]
    assert len(queries) == 7
    assert max(query.request_units(LARGE) for query in queries) < QUERY_LIMIT_RU


def test_the_limit_is_the_one_of_the_function_code() -> None:
    assert importlib.import_module("common.adapters.record_queries").MAX_REQUEST_UNITS == QUERY_LIMIT_RU == 1_000


def test_the_data_models() -> None:
    models = {model.name.partition(",")[0]: model for model in DATA_MODELS}
    by_id, by_day, by_label = models["`/id`"], models["read model by day"], models["read model by label"]
    # 6.67 and 52 terms at 0.2 to create, two reads at 1.14, 38 counts at 0.0452.
    assert by_id.write_ru(LARGE) == pytest.approx(21.0676)
    # A second item of 1 KB with 20 terms: 4.95 and 4.
    assert by_day.write_ru(LARGE) == pytest.approx(21.0676 + 8.95)
    # Seventeen items of 1 KB with a term.
    assert by_label.write_ru(LARGE) == pytest.approx(21.0676 + 17 * 5.15)
    assert by_id.list_ru(LARGE) == pytest.approx(204.7488)
    # 6 of 64 partitions, each with a query of 3.1992.
    assert models["hierarchical key"].list_ru(LARGE) == pytest.approx(19.1952)
    # 2.25, and 21 items of 1 KB at 0.0188.
    assert by_day.list_ru(LARGE) == by_label.list_ru(LARGE) == pytest.approx(2.6448)
