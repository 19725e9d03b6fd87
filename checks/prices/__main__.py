"""Fetch the price list of a region from Azure's Retail Prices API and write it to prices/.

    python -m checks.prices [--region eastus] [--accept]

Exit code 1, and nothing is written, when a meter vanished, or when a price moved by more than 30 percent: Azure renames
services and meters, and a filter then finds nothing, or something else. Look the meter up, correct
infra/config/cost/meters.py, or accept the new prices with --accept.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import requests

from checks.prices.refresh import Refresh, refresh_prices
from checks.prices.retail_prices_api import RetailPricesError, create_session
from infra.config.cost.price_list import DEFAULT_REGION, PriceList, create_price_list, load_price_list
from infra.core.errors import PriceListError

_FOLDER = Path(__file__).resolve().parents[2] / "prices"


def write_prices(session: requests.Session, *, folder: Path, region: str, today: date, accept: bool) -> Refresh:
    """Fetch the prices of a region, and write them to `folder` unless something is wrong.

    Args:
        session: Session for the requests.
        folder: Folder of the price lists.
        region: Azure region.
        today: Date of the prices.
        accept: Write prices that moved by more than 30 percent. Nothing is written when a meter vanished.

    Returns:
        The prices, and what is wrong with them.

    Raises:
        RetailPricesError: A request failed.
        PriceListError: The present price list, or a fetched row, is wrong.
    """
    refresh = refresh_prices(session, region=region, present=_present_list(folder, region), today=today)
    if not refresh.vanished and (accept or not refresh.moved):
        create_price_list(region, refresh.rows)
        (folder / f"{region}.json").write_text(json.dumps(refresh.rows, indent=1) + "\n")
    return refresh


def _present_list(folder: Path, region: str) -> PriceList | None:
    if not (folder / f"{region}.json").exists():
        return None
    return load_price_list(folder, region)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(
        prog="python -m checks.prices",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--region", default=DEFAULT_REGION)
    parser.add_argument("--accept", action="store_true", help="write prices that moved by more than 30 percent")
    options = parser.parse_args(arguments)
    try:
        refresh = write_prices(
            create_session(),
            folder=_FOLDER,
            region=options.region,
            today=datetime.now(UTC).date(),
            accept=options.accept,
        )
    except (RetailPricesError, PriceListError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    for meter in refresh.vanished:
        print(f"vanished: {meter}", file=sys.stderr)
    for line in refresh.moved:
        print(f"moved: {line}", file=sys.stderr)
    if refresh.vanished or (refresh.moved and not options.accept):
        print("error: no price was written", file=sys.stderr)
        return 1
    meters = {row["meterName"] for row in refresh.rows}
    print(f"prices/{options.region}.json: {len(refresh.rows)} prices of {len(meters)} meters")
    return 0


if __name__ == "__main__":
    sys.exit(main())
