"""Parts of a Pulumi URN: urn:pulumi:<stack>::<project>::<types of parents>$<type>::<logical name>."""


def stack_of(urn: str) -> str:
    """The name of the stack; the whole text if it is no URN."""
    return _split(urn)[0].removeprefix("urn:pulumi:")


def type_of(urn: str) -> str:
    """The type token without `azure-native:`; nothing if the text is no URN."""
    components = _split(urn)
    if len(components) < 4:
        return ""
    return components[2].rpartition("$")[2].removeprefix("azure-native:")


def name_of(urn: str) -> str:
    """The logical name; the whole text if it is no URN."""
    components = _split(urn)
    return "::".join(components[3:]) if len(components) >= 4 else urn


def _split(urn: str) -> list[str]:
    return urn.split("::")
