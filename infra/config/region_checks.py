"""Checks that the region of a stack offers what the stack's settings need."""

from collections.abc import Sequence

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
from infra.config.validation import ConfigValidator
from infra.core.analysis import CAPTION_FEATURES, VISUAL_FEATURES


def check_regions(
    validator: ConfigValidator,
    location: str,
    features: Sequence[str],
    *,
    zone_redundant: bool,
    cosmos_zone_redundant: bool,
) -> None:
    """Record an error for what Azure is known not to offer in `location`, and a warning for what is not known.

    `features` are those of Vision accounts in `location`.
    """
    needed: list[tuple[RegionList, str, object]] = [(FLEX_CONSUMPTION, "location", location)]
    if set(features) & set(VISUAL_FEATURES):
        needed.append((IMAGE_ANALYSIS, "location", location))
    if CAPTION_FEATURES & set(features):
        needed.append((CAPTIONS, "features", [*features]))
    if "embeddings" in features:
        needed.append((EMBEDDINGS, "features", [*features]))
    if zone_redundant:
        zones = (AVAILABILITY_ZONES, FLEX_ZONE_REDUNDANCY, GEO_ZONE_REDUNDANT_STORAGE)
        needed.extend((regions, "zoneRedundant", True) for regions in zones)
    if cosmos_zone_redundant:
        needed.append((AVAILABILITY_ZONES, "cosmosZoneRedundant", True))
    for regions, key, value in needed:
        refusal = regions.refusal(location)
        if refusal is not None:
            validator.add_error(key, value, refusal)
        validator.add_warning(regions.warning(location))
