"""Parts of a Pulumi URN: urn:pulumi:<stack>::<project>::<types of parents>$<type>::<logical name>."""


def stack_of(urn: str) -> str:
    """The name of the stack; the whole text if it is no URN."""
    return _parts(urn)[0].removeprefix("urn:pulumi:")


def type_of(urn: str) -> str:
    """The type token without `azure-native:`; nothing if the text is no URN."""
    parts = _parts(urn)
    if len(parts) < 4:
        return ""
    return parts[2].rpartition("$")[2].removeprefix("azure-native:")


def name_of(urn: str) -> str:
    """The logical name; the whole text if it is no URN."""
    parts = _parts(urn)
    return "::".join(parts[3:]) if len(parts) >= 4 else urn


def _parts(urn: str) -> list[str]:
    return urn.split("::")
