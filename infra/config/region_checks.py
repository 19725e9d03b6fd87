"""Rules on the region of a stack: it must offer what the stack's settings need."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from infra.config.regions import (
    AVAILABILITY_ZONES,
    CAPTIONS,
    EMBEDDINGS,
    FLEX_CONSUMPTION,
    FLEX_ZONE_REDUNDANCY,
    GEO_ZONE_REDUNDANT_STORAGE,
    IMAGE_ANALYSIS,
    RegionList,
)
from infra.config.stack_config import Violation
from infra.core.analysis import CAPTION_FEATURES, VISUAL_FEATURES, Feature


@dataclass(frozen=True, kw_only=True)
class RegionRequirement:
    """A service that the region of a stack must offer.

    Attributes:
        regions: The regions of the service.
        setting: Key of the setting to change when the region does not have it.
        other_settings: Keys of the other settings that the service is needed for.
    """

    regions: RegionList
    setting: str
    other_settings: tuple[str, ...]


def region_requirements(
    *, vision_features: Collection[Feature], zone_redundant: bool, cosmos_zone_redundant: bool
) -> list[RegionRequirement]:
    """Return what the region must offer.

    Args:
        vision_features: Features of the stack's own Vision accounts; empty when it has none.
        zone_redundant: Storage and the function app are spread over availability zones.
        cosmos_zone_redundant: Cosmos DB is spread over availability zones.
    """
    requirements = [RegionRequirement(regions=FLEX_CONSUMPTION, setting="location", other_settings=())]
    if set(vision_features) & set(VISUAL_FEATURES):
        requirements.append(
            RegionRequirement(regions=IMAGE_ANALYSIS, setting="location", other_settings=("features", "analyzer"))
        )
    if CAPTION_FEATURES & set(vision_features):
        requirements.append(
            RegionRequirement(regions=CAPTIONS, setting="features", other_settings=("location", "analyzer"))
        )
    if "embeddings" in vision_features:
        requirements.append(
            RegionRequirement(regions=EMBEDDINGS, setting="features", other_settings=("location", "analyzer"))
        )
    if zone_redundant:
        requirements += [
            RegionRequirement(regions=regions, setting="zoneRedundant", other_settings=("location",))
            for regions in (AVAILABILITY_ZONES, FLEX_ZONE_REDUNDANCY, GEO_ZONE_REDUNDANT_STORAGE)
        ]
    if cosmos_zone_redundant:
        requirements.append(
            RegionRequirement(regions=AVAILABILITY_ZONES, setting="cosmosZoneRedundant", other_settings=("location",))
        )
    return requirements


def region_violations(requirements: Collection[RegionRequirement], location: str) -> Iterator[Violation]:
    """Yield the requirements that Azure is known not to meet in `location`."""
    for requirement in requirements:
        refusal = requirement.regions.refusal(location)
        if refusal is not None:
            yield Violation(setting=requirement.setting, allowed=refusal, other_settings=requirement.other_settings)


def region_warnings(requirements: Collection[RegionRequirement], location: str) -> Iterator[str]:
    """Yield a warning for each requirement of which nothing is known in `location`."""
    for requirement in requirements:
        warning = requirement.regions.warning(location)
        if warning is not None:
            yield warning
