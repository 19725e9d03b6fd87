"""Reads the parameters and the body of a request into structs, and names every value that is not valid."""

from collections.abc import Mapping
from typing import Any, get_args, get_origin

import msgspec
from msgspec import Struct

from image_api.domain.problems import InvalidValue, ProblemError, ProblemType

# More than any valid body has.
MAX_BODY_BYTES = 8192
MAX_PARAMETER_CHARACTERS = 4096


def decode_parameters[Parameters: Struct](
    texts: Mapping[str, str], parameters_type: type[Parameters], location: str
) -> Parameters:
    """Read parameters of the path or of the query.

    The fields of the type that are tuples have their values separated by commas.

    Args:
        texts: the texts by name.
        parameters_type: the struct to make; its encoded names are those of the parameters.
        location: `path` or `query`, for the error.

    Raises:
        ProblemError: parameters are missing, unknown or not valid.
    """
    fields = {field.encode_name: field for field in msgspec.structs.fields(parameters_type)}
    values: dict[str, Any] = {}
    errors: list[InvalidValue] = []
    for name, text in texts.items():
        field = fields.get(name)
        if field is None:
            allowed = ", ".join(sorted(fields)) or "none"
            errors.append(InvalidValue(location=f"{location} {name[:50]}", detail=f"unknown; allowed: {allowed}"))
            continue
        if len(text) > MAX_PARAMETER_CHARACTERS:
            limit = f"longer than {MAX_PARAMETER_CHARACTERS} characters"
            errors.append(InvalidValue(location=f"{location} {name}", detail=limit))
            continue
        value = text.split(",") if _is_list(field.type) else text
        try:
            values[field.name] = msgspec.convert(value, field.type, strict=False)
        except msgspec.ValidationError as error:
            errors.append(InvalidValue(location=f"{location} {name}", detail=str(error)))
    errors += [
        InvalidValue(location=f"{location} {name}", detail="missing")
        for name, field in fields.items()
        if field.required and name not in texts
    ]
    if errors:
        raise ProblemError(ProblemType.INVALID_REQUEST, "Parameters are not valid.", errors=errors)
    return parameters_type(**values)


def decode_body[Body: Struct](body: bytes, content_type: str, body_type: type[Body]) -> Body:
    """Read a JSON body.

    Raises:
        ProblemError: the body is too large, is not JSON, or is not valid.
    """
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise ProblemError(ProblemType.UNSUPPORTED_MEDIA_TYPE, "The header Content-Type has to be application/json.")
    if len(body) > MAX_BODY_BYTES:
        raise ProblemError(ProblemType.BODY_TOO_LARGE, f"A body has at most {MAX_BODY_BYTES} bytes.")
    try:
        return msgspec.json.decode(body, type=body_type)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        message = "The body is nested too deeply." if isinstance(error, RecursionError) else str(error)
        errors = (InvalidValue(location="body", detail=message),)
        raise ProblemError(ProblemType.INVALID_REQUEST, "The body is not valid.", errors=errors) from error


def _is_list(annotation: Any) -> bool:
    """Return whether a field's type is a tuple, with or without metadata."""
    value = getattr(annotation, "__value__", annotation)
    if get_origin(value) is tuple:
        return True
    return any(get_origin(argument) is tuple for argument in get_args(value))
