"""Regions in which Azure is known to offer what the program deploys, and in which it is known not to."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import cast

_FILE = Path(__file__).with_name("regions.json")


@dataclass(frozen=True, kw_only=True)
class RegionList:
    """The regions of one service, as its `source` had them on `date`; about every other region nothing is known.

    A list gets out of date, so only `refused_regions` may stop a deployment.
    """

    service: str
    date: str
    source: str
    available: frozenset[str]
    refused_regions: frozenset[str]

    def refusal(self, region: str) -> str | None:
        """The regions that are allowed instead of `region`; None unless Azure is known to refuse it."""
        if region not in self.refused_regions:
            return None
        return f"{self.service} in {self._available} ({self._reference}); {region} does not have it"

    def warning(self, region: str, *, setting: str = "location") -> str | None:
        """What to do if Azure refuses `region`, the value of `setting`; None when the list knows the region."""
        if region in self.available | self.refused_regions:
            return None
        return (
            f"{setting}: {self.service} is not known to exist in {region} ({self._reference}). The list may be out of"
            f" date; if Azure refuses the deployment, choose one of {self._available}"
        )

    @property
    def _reference(self) -> str:
        return f"list of {self.date}, {self.source}"

    @property
    def _available(self) -> str:
        return ", ".join(sorted(self.available))


def load_region_lists(path: Path = _FILE) -> dict[str, RegionList]:
    """Load the lists of regions.json by name.

    Raises:
        ValueError: The file does not have the expected form.
    """
    content: object = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"{path.name}: an object was expected")  # noqa: TRY004 (one error for every wrong form)
    return {str(name): _region_list(str(name), entry) for name, entry in cast("dict[object, object]", content).items()}


def _region_list(name: str, entry: object) -> RegionList:
    fields = cast("dict[str, object]", entry) if isinstance(entry, dict) else {}
    if fields.keys() != {"service", "date", "source", "available", "refused"}:
        raise ValueError(f"{name}: service, date, source, available and refused were expected")
    available = _regions(name, fields["available"])
    refused_regions = _regions(name, fields["refused"])
    if available & refused_regions:
        raise ValueError(
            f"{name}: {', '.join(sorted(available & refused_regions))} cannot be both available and refused"
        )
    return RegionList(
        service=str(fields["service"]),
        date=str(fields["date"]),
        source=str(fields["source"]),
        available=available,
        refused_regions=refused_regions,
    )


def _regions(name: str, value: object) -> frozenset[str]:
    items = cast("list[object]", value) if isinstance(value, list) else [None]
    regions = frozenset(item for item in items if isinstance(item, str) and item.isalnum() and item.islower())
    if len(regions) != len(items):
        raise ValueError(f"{name}: a list of region names in lower case, each once, was expected")
    return regions


REGION_LISTS = load_region_lists()
IMAGE_ANALYSIS = REGION_LISTS["imageAnalysis"]
CAPTIONS = REGION_LISTS["captions"]
EMBEDDINGS = REGION_LISTS["embeddings"]
FLEX_CONSUMPTION = REGION_LISTS["flexConsumption"]
FLEX_ZONE_REDUNDANCY = REGION_LISTS["flexZoneRedundancy"]
GEO_ZONE_REDUNDANT_STORAGE = REGION_LISTS["geoZoneRedundantStorage"]
AVAILABILITY_ZONES = REGION_LISTS["availabilityZones"]
FOUNDRY_GLOBAL = REGION_LISTS["foundryGlobalStandard"]
CONTENT_UNDERSTANDING = REGION_LISTS["contentUnderstanding"]
FOUNDRY_DATA_ZONE = REGION_LISTS["foundryDataZoneStandard"]
