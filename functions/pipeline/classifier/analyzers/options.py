"""Options of an analyzer, validated strictly: one error names all that are missing, wrong or unknown."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from common.settings import SettingsError, field_metadata
from msgspec import Meta, Struct

from classifier.domain.rate_limiter import Quota


class AnalyzerOptions(Struct, frozen=True, kw_only=True, rename="camel"):
    """The options that every analyzer has. Subclasses add their own; `extra` says what is allowed."""

    calls_per_second: Annotated[
        float,
        Meta(description="The rate limit of one account.", gt=0, extra={"allowed": "a number over 0"}),
    ]
    instances: Annotated[
        float,
        Meta(description="The highest number of instances of the app.", gt=0, extra={"allowed": "a number over 0"}),
    ]

    @property
    def quota(self) -> Quota:
        """The quota of one account."""
        return Quota(calls_per_second=self.calls_per_second, instances=round(self.instances))


def parse_options[Options: AnalyzerOptions](
    values: Mapping[str, object],
    options_type: type[Options],
    *,
    analyzer: str,
    features: Sequence[str],
    supported: Sequence[str],
) -> Options:
    """Return the options of an analyzer.

    Args:
        values: the options by name.
        options_type: the struct of the analyzer's options.
        analyzer: name of the analyzer, for the error.
        features: the requested features.
        supported: the features that the analyzer supports.

    Raises:
        SettingsError: options are missing, wrong or unknown, or features are not supported.
    """
    parsed: dict[str, Any] = {}
    problems: list[str] = []
    fields = msgspec.structs.fields(options_type)
    for field in fields:
        value = values.get(field.encode_name)
        try:
            parsed[field.name] = msgspec.convert(value, field.type)
        except msgspec.ValidationError:
            problems.append(f"{field.encode_name} is {value!r}, not {field_metadata(field)['allowed']}")
    unknown = values.keys() - {field.encode_name for field in fields}
    problems += [f"{name} is unknown" for name in sorted(unknown)]
    unsupported = sorted(set(features) - set(supported))
    if unsupported:
        problems.append(f"the features {', '.join(unsupported)} are not among {', '.join(supported)}")
    if problems:
        raise SettingsError(f"the analyzer {analyzer}: " + "; ".join(problems))
    return options_type(**parsed)
