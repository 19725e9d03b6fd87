"""Client of the Retail Prices API, which needs no sign-in.

https://learn.microsoft.com/rest/api/cost-management/retail-prices/azure-retail-prices
"""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

API_URL = "https://prices.azure.com/api/retail/prices"
_TIMEOUT_SECONDS = 60
# A page has up to 1,000 rows; a product in a region has a few hundred.
_MOST_PAGES = 50


class RetailPricesError(Exception):
    """The API gave no usable answer; the text says which query, and why."""


def create_session() -> requests.Session:
    """Create a session that repeats requests after throttling and errors of the server."""
    session = requests.Session()
    retry = Retry(total=5, backoff_factor=1, status_forcelist=(429, 500, 502, 503, 504))
    session.mount("https://", HTTPAdapter(max_retries=retry))
    return session


def price_filter(*, service_name: str, product_name: str, region: str) -> str:
    """Return the filter for the pay-as-you-go prices of a product in a region. The API compares case-sensitively."""
    conditions = {
        "serviceName": service_name,
        "productName": product_name,
        "armRegionName": region,
        "priceType": "Consumption",
    }
    return " and ".join(f"{name} eq '{value}'" for name, value in conditions.items())


def fetch_rows(session: requests.Session, price_filter_text: str) -> Iterator[dict[str, Any]]:
    """Yield all rows that match a filter, page by page.

    Raises:
        RetailPricesError: A request failed, or the answer has another form.
    """
    parameters = {"currencyCode": "'USD'", "$filter": price_filter_text}
    page = _get(session, API_URL, parameters)
    for _ in range(_MOST_PAGES):
        yield from page["Items"]
        next_link = page.get("NextPageLink")
        if not next_link:
            return
        if urlsplit(next_link).hostname != urlsplit(API_URL).hostname:
            raise RetailPricesError(f"the next page is on another host: {next_link}")
        page = _get(session, next_link, {})
    raise RetailPricesError(f"more than {_MOST_PAGES} pages for {price_filter_text}")


def _get(session: requests.Session, url: str, parameters: dict[str, str]) -> dict[str, Any]:
    try:
        response = session.get(url, params=parameters, timeout=_TIMEOUT_SECONDS)
        response.raise_for_status()
        page: Any = response.json()
    except requests.RequestException as error:
        raise RetailPricesError(f"{url} {parameters}: {error}") from error
    if not isinstance(page, dict) or not isinstance(page.get("Items"), list):
        raise RetailPricesError(f"{url} {parameters}: the answer has no list of items")
    return page
