"""Settings of the way from one analyzer to another: the successor in the shadow, its floors, and the way back."""

from typing import Annotated

from pydantic import AfterValidator, Field, PlainValidator

from infra.config.field_types import AllowedValues, ConfigObject, require_distinct
from infra.config.stack_config import StackConfig
from infra.core.analysis import (
    RETAINABLE_ANALYZERS,
    SUCCESSORS,
    AgreementFloors,
    AnalyzerName,
    RetainableName,
    Shadow,
    SuccessorName,
)

_DEFAULT_FLOORS = AgreementFloors()
# The code samples by the hash of the content modulo 10,000.
_SMALLEST_PERCENT = 0.01


class _ShadowObject(ConfigObject):
    analyzer: SuccessorName
    percent: float = Field(ge=_SMALLEST_PERCENT, le=100)


def _to_shadow(value: object) -> Shadow | None:
    if value == {}:
        return None
    shadow = _ShadowObject.model_validate(value)
    return Shadow(analyzer=shadow.analyzer, percent=shadow.percent)


# An empty object is None.
ShadowSetting = Annotated[
    Shadow | None,
    PlainValidator(_to_shadow),
    AllowedValues(
        f"nothing, or both of analyzer: {' or '.join(SUCCESSORS)}; percent: a number from {_SMALLEST_PERCENT} to 100"
    ),
]


class _AgreementObject(ConfigObject):
    min_images: int = Field(default=_DEFAULT_FLOORS.min_images, ge=1, le=1_000_000)
    min_label_percent: int = Field(default=_DEFAULT_FLOORS.min_label_percent, ge=0, le=100)
    min_category_percent: int = Field(default=_DEFAULT_FLOORS.min_category_percent, ge=0, le=100)
    min_caption_percent: int = Field(default=_DEFAULT_FLOORS.min_caption_percent, ge=0, le=100)
    max_text_error_percent: int = Field(default=_DEFAULT_FLOORS.max_text_error_percent, ge=0, le=100)


def _to_floors(value: object) -> AgreementFloors:
    floors = _AgreementObject.model_validate(value)
    return AgreementFloors(
        min_images=floors.min_images,
        min_label_percent=floors.min_label_percent,
        min_category_percent=floors.min_category_percent,
        min_caption_percent=floors.min_caption_percent,
        max_text_error_percent=floors.max_text_error_percent,
    )


AgreementSetting = Annotated[
    AgreementFloors,
    PlainValidator(_to_floors),
    AllowedValues(
        f"any of minImages: {_DEFAULT_FLOORS.min_images} by default; minLabelPercent, minCategoryPercent and"
        " minCaptionPercent: whole numbers, 0 by default; maxTextErrorPercent: a whole number, 100 by default"
    ),
]

RetainedAnalyzers = Annotated[
    tuple[RetainableName, ...],
    Field(strict=False),
    AfterValidator(require_distinct),
    AllowedValues(
        f"a list out of {', '.join(RETAINABLE_ANALYZERS)}, each once; a Custom Vision project is not the program's own",
        item_type="string",
    ),
]


class ShadowSettings(StackConfig):
    """The settings of the way from one analyzer to another; `infra.Settings` has them all."""

    shadow: ShadowSetting = Field(
        default={},
        validate_default=True,
        description="Successor that analyzes a sample of the images beside the analyzer, for comparison.",
    )
    agreement: AgreementSetting = Field(
        default={},
        validate_default=True,
        description="What make agreement requires of the successor in the shadow.",
    )
    retained_analyzers: RetainedAnalyzers = Field(
        default=(), description="Earlier analyzers whose accounts stay deployed, for a rollback."
    )

    @property
    def other_analyzers(self) -> tuple[AnalyzerName, ...]:
        """The analyzers that are deployed beside the configured one."""
        return self.retained_analyzers if self.shadow is None else (self.shadow.analyzer, *self.retained_analyzers)

    def rate_share(self, analyzer: AnalyzerName) -> float:
        """The share of the images that an analyzer gets, 0 to 1; all, if it is kept for a rollback."""
        return self.shadow.percent / 100 if self.shadow is not None and self.shadow.analyzer == analyzer else 1.0
