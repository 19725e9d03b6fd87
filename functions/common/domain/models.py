"""Parts of the record of an image, and the analysis that it is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.structs import replace

from common.domain.findings import Findings

SCHEMA_VERSION = 1


class Dimensions(Struct, frozen=True, kw_only=True):
    """Width and height of an image, in pixels."""

    width: Annotated[int, Meta(description="Width in pixels.")]
    height: Annotated[int, Meta(description="Height in pixels.")]


class InclusiveRange(Struct, frozen=True, kw_only=True, rename="camel"):
    """The allowed values from `at_least` to `at_most`, both included."""

    at_least: Annotated[int, Meta(description="Lowest allowed value.")]
    at_most: Annotated[int, Meta(description="Highest allowed value.")]


type MeasuredValue = int | str | Dimensions | None
type Limit = int | tuple[str, ...] | InclusiveRange | None


class Reason(Struct, frozen=True, kw_only=True):
    """Why an image was rejected, or could not be classified."""

    code: Annotated[str, Meta(description="Stable identifier of the reason.")]
    sentence: Annotated[str, Meta(description="Explanation for people.")]
    measured: Annotated[MeasuredValue, Meta(description="The measured value that exceeds the limit, or null.")]
    limit: Annotated[Limit, Meta(description="The limit, or null.")]


class ImageFormat(StrEnum):
    """The image formats that Image Analysis 4.0 accepts."""

    JPEG = "JPEG"
    PNG = "PNG"
    GIF = "GIF"
    BMP = "BMP"
    WEBP = "WEBP"
    ICO = "ICO"
    TIFF = "TIFF"
    MPO = "MPO"


class ImageInfo(Struct, frozen=True, kw_only=True):
    """What the header of an image declares."""

    width: Annotated[int, Meta(description="Width in pixels.")]
    height: Annotated[int, Meta(description="Height in pixels.")]
    format: Annotated[ImageFormat, Meta(description="Format of the file.")]


class Tokens(Struct, frozen=True, kw_only=True):
    """What a model was charged for: the tokens of its prompts, and those of its answers."""

    input: int
    output: int


class Analysis(Struct, frozen=True, kw_only=True, rename="camel"):
    """The result of an analyzer for one image.

    Attributes:
        analyzer: name of the analyzer.
        api_version: version of its API.
        model_version: versions of its models.
        findings: one entry for each requested feature.
        exclusive: whether the tags exclude each other, so that only the surest one can be a label.
        tokens: the tokens of its calls, as far as the service reports them; absent if it reports none.
    """

    analyzer: str
    api_version: str
    model_version: str
    findings: Findings
    exclusive: bool = False
    tokens: Tokens | UnsetType = UNSET

    @staticmethod
    def combine(results: Sequence["Analysis"]) -> "Analysis":
        """Return the analysis that has the findings and the tokens of all results of one analyzer."""
        tokens = [result.tokens for result in results if not isinstance(result.tokens, UnsetType)]
        findings: dict[str, object] = {}
        for result in results:
            values = msgspec.structs.asdict(result.findings)
            findings |= {name: value for name, value in values.items() if value is not UNSET}
        return replace(
            results[0],
            model_version=", ".join(result.model_version for result in results if result.model_version),
            findings=replace(results[0].findings, **findings),
            exclusive=any(result.exclusive for result in results),
            tokens=Tokens(input=sum(one.input for one in tokens), output=sum(one.output for one in tokens))
            if tokens
            else UNSET,
        )


@dataclass(frozen=True)
class Versioned[Value]:
    """A stored value and the ETag of the version that was read or written."""

    value: Value
    etag: str
