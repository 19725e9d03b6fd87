"""`make prices` against a fake of the Retail Prices API: paging, selection of rows, what vanished and what moved."""

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any, override
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from requests.adapters import BaseAdapter, HTTPAdapter

from checks.prices import __main__ as command
from checks.prices.retail_prices_api import RetailPricesError, create_session, fetch_rows, price_filter
from infra.config.cost.meters import ALL_METERS, GLOBAL_METERS, VISION_GROUP_1, Meter
from infra.config.cost.price_list import load_price_list

TODAY = date(2026, 12, 1)
type Row = dict[str, Any]


def api_row(meter: Meter, *, region: str = "eastus", minimum: float = 0, price: float = 1.0, **changes: Any) -> Row:
    """A row as the API returns it."""
    return {
        "currencyCode": "USD",
        "tierMinimumUnits": minimum,
        "retailPrice": price,
        "unitPrice": price,
        "armRegionName": "Global" if meter in GLOBAL_METERS else region,
        "location": "US East",
        "effectiveStartDate": "2024-01-01T00:00:00Z",
        "meterId": "00000000-0000-0000-0000-000000000000",
        "meterName": meter.meter_name,
        "productId": "DZH318Z0",
        "skuId": "DZH318Z0/0001",
        "productName": meter.product_name,
        "skuName": meter.sku_name,
        "serviceName": meter.service_name,
        "serviceFamily": "Azure",
        "unitOfMeasure": meter.unit_of_measure,
        "type": "Consumption",
        "isPrimaryMeterRegion": True,
        "armSkuName": "",
        **changes,
    }


class FakeRetailPricesApi(BaseAdapter):
    """Answers with the rows that match the filter, two to a page.

    Attributes:
        rows: All rows of the API.
        urls: The requested URLs.
    """

    def __init__(self, rows: list[Row]) -> None:
        super().__init__()
        self.rows = rows
        self.urls: list[str] = []

    @override
    def send(self, request: requests.PreparedRequest, *_args: Any, **_options: Any) -> requests.Response:
        assert request.url is not None
        self.urls.append(request.url)
        query = parse_qs(urlsplit(request.url).query)
        conditions = dict(re.findall(r"(\w+) eq '([^']*)'", query["$filter"][0]))
        conditions["type"] = conditions.pop("priceType")
        matching = [row for row in self.rows if all(row[name] == value for name, value in conditions.items())]
        skip = int(query.get("$skip", ["0"])[0])
        next_link = None
        if skip + 2 < len(matching):
            url = requests.Request(
                "GET",
                "https://prices.azure.com:443/api/retail/prices",
                params={"$filter": query["$filter"][0], "$skip": skip + 2},
            )
            next_link = url.prepare().url
        return response({"Items": matching[skip : skip + 2], "NextPageLink": next_link})

    @override
    def close(self) -> None:
        pass


def response(content: object, status: int = 200) -> requests.Response:
    answer = requests.Response()
    answer.status_code = status
    answer._content = json.dumps(content).encode()
    return answer


def session_with(adapter: BaseAdapter) -> requests.Session:
    session = requests.Session()
    session.mount("https://prices.azure.com", adapter)
    return session


def rows_of_all_meters(region: str = "eastus") -> list[Row]:
    return [api_row(meter, region=region) for meter in ALL_METERS]


def write(folder: Path, rows: list[Row], *, region: str = "eastus", accept: bool = False) -> Any:
    session = session_with(FakeRetailPricesApi(rows))
    return command.write_prices(session, folder=folder, region=region, today=TODAY, accept=accept)


def with_changes(rows: list[Row], meter: Meter, **changes: Any) -> list[Row]:
    return [{**row, **changes} if row["meterName"] == meter.meter_name else row for row in rows]


def test_all_pages_of_a_query_are_read() -> None:
    api = FakeRetailPricesApi([api_row(VISION_GROUP_1, minimum=minimum) for minimum in range(5)])
    text = price_filter(service_name="Foundry Tools", product_name="Azure Vision", region="eastus")
    rows = list(fetch_rows(session_with(api), text))
    assert [row["tierMinimumUnits"] for row in rows] == [0, 1, 2, 3, 4]
    assert len(api.urls) == 3
    assert "currencyCode=%27USD%27" in api.urls[0]


def test_the_filter_names_service_product_region_and_pay_as_you_go() -> None:
    assert price_filter(service_name="Storage", product_name="Queues v2", region="eastus") == (
        "serviceName eq 'Storage' and productName eq 'Queues v2' and armRegionName eq 'eastus'"
        " and priceType eq 'Consumption'"
    )


def test_the_fetched_rows_are_those_of_the_api_with_status_source_and_date(tmp_path: Path) -> None:
    write(tmp_path, rows_of_all_meters())
    rows = json.loads((tmp_path / "eastus.json").read_text())
    assert [row["meterName"] for row in rows] == [meter.meter_name for meter in ALL_METERS]
    assert rows[0] == api_row(VISION_GROUP_1) | {
        "status": "fetched",
        "source": "https://prices.azure.com/api/retail/prices",
        "retrieved": "2026-12-01",
    }
    assert load_price_list(tmp_path, "eastus").rows.keys() == set(ALL_METERS)


def test_every_product_is_asked_for_once_and_private_endpoints_for_the_region_global(tmp_path: Path) -> None:
    api = FakeRetailPricesApi(rows_of_all_meters("uksouth"))
    command.write_prices(session_with(api), folder=tmp_path, region="uksouth", today=TODAY, accept=False)
    first_pages = [parse_qs(urlsplit(url).query)["$filter"][0] for url in api.urls if "skip" not in url]
    assert len(first_pages) == len(set(first_pages)) == len({(m.service_name, m.product_name) for m in ALL_METERS})
    assert [text for text in first_pages if "Global" in text] == [
        price_filter(service_name="Virtual Network", product_name="Virtual Network Private Link", region="Global")
    ]
    assert load_price_list(tmp_path, "uksouth").region == "uksouth"


def test_of_each_tier_the_newest_price_in_effect_is_taken(tmp_path: Path) -> None:
    rows = [
        *(row for row in rows_of_all_meters() if row["meterName"] != VISION_GROUP_1.meter_name),
        api_row(VISION_GROUP_1, minimum=1000, price=0.7),
        api_row(VISION_GROUP_1, price=1.2, effectiveStartDate="2025-06-01T00:00:00Z"),
        api_row(VISION_GROUP_1, price=1.1, effectiveStartDate="2024-06-01T00:00:00Z"),
        api_row(VISION_GROUP_1, price=9.9, effectiveStartDate="2026-12-02T00:00:00Z"),
        api_row(VISION_GROUP_1, price=0.1, type="DevTestConsumption"),
    ]
    write(tmp_path, rows)
    tiers = load_price_list(tmp_path, "eastus").tiers(VISION_GROUP_1)
    assert [(tier.tier_minimum_units, tier.retail_price) for tier in tiers] == [(0, 1.2), (1000, 0.7)]


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: [row for row in rows if row["meterName"] != VISION_GROUP_1.meter_name],
        lambda rows: with_changes(rows, VISION_GROUP_1, serviceName="Cognitive Services"),
        lambda rows: with_changes(rows, VISION_GROUP_1, unitOfMeasure="10K"),
        lambda rows: with_changes(rows, VISION_GROUP_1, armRegionName="westus"),
        lambda rows: with_changes(rows, VISION_GROUP_1, effectiveStartDate="2027-01-01T00:00:00Z"),
    ],
    ids=["gone", "renamed", "other unit", "other region", "not yet in effect"],
)
def test_a_meter_that_vanished_writes_nothing(change: Callable[[list[Row]], list[Row]], tmp_path: Path) -> None:
    write(tmp_path, rows_of_all_meters())
    before = (tmp_path / "eastus.json").read_text()
    for accept in (False, True):
        refresh = write(tmp_path, change(rows_of_all_meters()), accept=accept)
        assert refresh.vanished == [VISION_GROUP_1]
        assert (tmp_path / "eastus.json").read_text() == before


@pytest.mark.parametrize(("price", "moves"), [(1.3, False), (0.7, False), (1.31, True), (0.69, True), (0.0, True)])
def test_a_price_that_moved_by_more_than_30_percent_is_written_only_when_accepted(
    price: float, moves: bool, tmp_path: Path
) -> None:
    write(tmp_path, rows_of_all_meters())
    new = with_changes(rows_of_all_meters(), VISION_GROUP_1, retailPrice=price)
    refresh = write(tmp_path, new)
    assert len(refresh.moved) == moves
    stored_price = load_price_list(tmp_path, "eastus").tiers(VISION_GROUP_1)[0].retail_price
    assert stored_price == (1.0 if moves else price)
    write(tmp_path, new, accept=True)
    assert load_price_list(tmp_path, "eastus").tiers(VISION_GROUP_1)[0].retail_price == price


def test_a_new_tier_is_a_move_that_is_named(tmp_path: Path) -> None:
    write(tmp_path, rows_of_all_meters())
    refresh = write(tmp_path, [*rows_of_all_meters(), api_row(VISION_GROUP_1, minimum=1000, price=0.9)])
    assert refresh.moved == [
        "Image Analysis Group 1 Transactions, from 1,000 units on: no tier before, 0.9 now",
    ]


def test_the_first_list_of_a_region_is_compared_with_none(tmp_path: Path) -> None:
    write(tmp_path, rows_of_all_meters())
    refresh = write(
        tmp_path, with_changes(rows_of_all_meters("uksouth"), VISION_GROUP_1, retailPrice=5.0), region="uksouth"
    )
    assert refresh.moved == []
    assert load_price_list(tmp_path, "uksouth").tiers(VISION_GROUP_1)[0].retail_price == 5.0


class FixedAnswer(BaseAdapter):
    """Gives the same answer to every request, or raises it."""

    def __init__(self, answer: requests.Response | requests.RequestException) -> None:
        super().__init__()
        self._answer = answer

    @override
    def send(self, request: requests.PreparedRequest, *_args: Any, **_options: Any) -> requests.Response:
        if isinstance(self._answer, requests.RequestException):
            raise self._answer
        return self._answer

    @override
    def close(self) -> None:
        pass


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (requests.ConnectionError("no route"), "no route"),
        (response({}, status=400), "400"),
        (response({"Error": "wrong filter"}), "no list of items"),
        (response([]), "no list of items"),
        (response({"Items": [], "NextPageLink": "https://elsewhere.example/"}), "another host"),
        (response({"Items": [], "NextPageLink": "https://prices.azure.com/api/retail/prices"}), "more than 50 pages"),
    ],
)
def test_an_unusable_answer_is_an_error(answer: Any, text: str) -> None:
    with pytest.raises(RetailPricesError, match=text):
        list(fetch_rows(session_with(FixedAnswer(answer)), "a filter"))


def test_throttled_requests_are_repeated() -> None:
    adapter = create_session().get_adapter("https://prices.azure.com/")
    assert isinstance(adapter, HTTPAdapter)
    retries = adapter.max_retries
    assert retries.total == 5
    assert retries.is_retry("GET", 429)
    assert not retries.is_retry("GET", 400)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of price lists, with one of eastus, that the command uses."""
    write(tmp_path, rows_of_all_meters())
    monkeypatch.setattr(command, "_FOLDER", tmp_path)
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, rows: list[Row], *arguments: str) -> int:
    monkeypatch.setattr(command, "create_session", lambda: session_with(FakeRetailPricesApi(rows)))
    return command.main(arguments)


@pytest.mark.usefixtures("folder")
def test_the_command_says_what_it_wrote(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, rows_of_all_meters()) == 0
    meters = len(ALL_METERS)
    assert capsys.readouterr().out == f"prices/eastus.json: {meters} prices of {meters} meters\n"


@pytest.mark.usefixtures("folder")
def test_the_command_fails_when_a_meter_vanished(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, rows_of_all_meters()[1:], "--accept") == 1
    assert "vanished: " in capsys.readouterr().err


@pytest.mark.usefixtures("folder")
def test_the_command_fails_when_a_price_moved_unless_it_is_accepted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = with_changes(rows_of_all_meters(), VISION_GROUP_1, retailPrice=2.0)
    assert run(monkeypatch, rows) == 1
    errors = capsys.readouterr().err
    assert "moved: Image Analysis Group 1 Transactions, from 0 units on: 1.0 before, 2.0 now" in errors
    assert "no price was written" in errors
    assert run(monkeypatch, rows, "--accept") == 0


@pytest.mark.usefixtures("folder")
def test_the_command_fails_without_the_internet(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    no_network = session_with(FixedAnswer(requests.ConnectionError("no route")))
    monkeypatch.setattr(command, "create_session", lambda: no_network)
    assert command.main([]) == 1
    assert "no route" in capsys.readouterr().err
