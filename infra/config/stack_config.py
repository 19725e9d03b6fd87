"""Base of the settings model: reads the stack's configuration, validates it, and reports all errors together."""

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args, get_origin

import pulumi
from annotated_types import Ge, Le
from pulumi.runtime.config import CONFIG, get_config_env
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo

from infra.config.field_types import AllowedValues
from infra.core.errors import SettingsError

# Types of Pulumi.yaml, by the type of the default.
_CONFIG_TYPES = {str: "string", int: "integer", bool: "boolean", tuple: "array", dict: "object"}


@dataclass(frozen=True, kw_only=True)
class Violation:
    """A rule on several settings that is not met.

    Attributes:
        setting: Key of the setting to change.
        allowed: What it allows while the other settings stay as they are.
        other_settings: Keys of the other settings that the rule reads. When one of them has a value that is not
            allowed, the rule is not reported.
    """

    setting: str
    allowed: str
    other_settings: tuple[str, ...] = ()


class StackConfig(BaseModel):
    """A model with one field for each key of the project's configuration; the key is the field's name in camel case.

    A field of a subclass has a default, as a stack file would have it, a description, and either bounds or one of the
    types of infra/config/field_types.py. A value must have the declared type: nothing is converted.
    """

    model_config = ConfigDict(frozen=True, strict=True, validate_default=True, alias_generator=to_camel)

    def violations(self) -> Iterable[Violation]:
        """Return the rules on several settings that are not met; a subclass overrides this."""
        return ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What does not stop the deployment; a subclass overrides this."""
        return ()

    @classmethod
    def load(cls) -> Self:
        """Return the settings of the stack that is being deployed, and log their warnings.

        Raises:
            SettingsError: At least one value is not allowed; the text names all of them.
        """
        settings = cls.parse(cls.read())
        for warning in settings.warnings:
            pulumi.log.warn(warning)
        return settings

    @classmethod
    def parse(cls, values: Mapping[str, object]) -> Self:
        """Validate values by key. An absent key has its default.

        Raises:
            SettingsError: At least one key is unknown or value is not allowed; the text names all of them.
        """
        fields = cls.fields_by_key()
        known = {key: value for key, value in values.items() if key in fields}
        settings, errors = cls._validate_fields(known)
        errors |= {key: _unknown_key_text(key, fields) for key in values if key not in fields}
        not_allowed = frozenset(errors)
        for violation in settings.violations():
            key = violation.setting
            if key not in errors and not_allowed.isdisjoint(violation.other_settings):
                errors[key] = _error_text(key, values.get(key, fields[key].default), violation.allowed)
        if errors:
            raise SettingsError("the stack's configuration is wrong:\n  " + "\n  ".join(errors.values()))
        return settings

    @classmethod
    def _validate_fields(cls, values: Mapping[str, object]) -> tuple[Self, dict[str, str]]:
        """Return the settings with defaults in place of what is not allowed, and an error text for each such key."""
        try:
            return cls.model_validate(values), {}
        except ValidationError as error:
            locations = [details["loc"] for details in error.errors(include_url=False, include_context=False)]
        fields = cls.fields_by_key()
        errors: dict[str, str] = {}
        for location in locations:
            key = str(location[0])
            errors[key] = _error_text(key, values[key], allowed_values(fields[key]))
        accepted = {key: value for key, value in values.items() if key not in errors}
        return cls.model_validate(accepted), errors

    @classmethod
    def fields_by_key(cls) -> dict[str, FieldInfo]:
        """Return the fields by configuration key, in the order of the model."""
        return {to_camel(name): field for name, field in cls.model_fields.items()}

    @classmethod
    def read(cls) -> dict[str, object]:
        """Return the values of the stack that is being deployed, by key, without those that are absent."""
        config = pulumi.Config()
        values: dict[str, object] = {}
        for key, field in cls.fields_by_key().items():
            text = config.get(key)
            if text is not None:
                # Pulumi passes strings as they are, and everything else as JSON.
                values[key] = text if config_type(field) == "string" else _decode(text)
        # Pulumi accepts any key in a stack file. It has no public function that lists them.
        prefix = f"{config.name}:"
        for full_key, value in {**get_config_env(), **CONFIG.get()}.items():
            if full_key.startswith(prefix):
                values.setdefault(full_key.removeprefix(prefix), value)
        return values

    @field_validator("*", mode="before")
    @classmethod
    def _reject_null(cls, value: object) -> object:
        """Reject null for every setting; where a field can be None, an empty value in the stack file stands for it."""
        if value is None:
            raise ValueError("null is not a value of a setting")
        return value


def config_type(field: FieldInfo) -> str:
    """The type of a setting in Pulumi.yaml: string, integer, boolean, array or object."""
    return _CONFIG_TYPES[type(field.default)]


def allowed_values(field: FieldInfo) -> str:
    """What a setting allows, in words.

    Raises:
        TypeError: Neither the field's type nor its bounds say it.
    """
    lowest: object = None
    highest: object = None
    for item in field.metadata:
        if isinstance(item, AllowedValues):
            return item.text
        if isinstance(item, Ge):
            lowest = item.ge
        if isinstance(item, Le):
            highest = item.le
    if lowest is not None and highest is not None:
        return f"{lowest} to {highest}"
    if field.annotation is bool:
        return "true or false"
    if get_origin(field.annotation) is Literal:
        return " or ".join(get_args(field.annotation))
    raise TypeError(f"{field.annotation} says neither by its type nor by bounds what it allows")


def _unknown_key_text(key: str, known_keys: Iterable[str]) -> str:
    similar = difflib.get_close_matches(key, list(known_keys), n=1)
    return f"{key}: there is no such setting" + (f"; did you mean {similar[0]}?" if similar else "")


def _error_text(key: str, value: object, allowed: str) -> str:
    return f"{key}: {value!r} is not allowed; allowed: {allowed}"


def _decode(text: str) -> Any:
    """The value of JSON; text that is not JSON has the wrong type for any setting but a string, and stays a string."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text
