"""SELECT as one expression."""

from emulator.services.cosmos.sql import tree


def payload_of(projection: tree.Projection, alias: str) -> tree.Expression:
    """The expression whose value is a result of SELECT; `alias` stands for an item."""
    match projection:
        case tree.SelectAll():
            return tree.Identifier(alias)
        case tree.SelectValue(expression):
            return expression
        case tree.SelectList(items):
            names = result_names(items)
            return tree.ObjectCreation(tuple((name, item.expression) for name, item in zip(names, items, strict=True)))


def result_names(items: tuple[tree.SelectItem, ...]) -> list[str]:
    """The names of the properties of a result: aliases, names of properties, or `$1`, `$2` and so on."""
    names: list[str] = []
    unnamed = 0
    for item in items:
        match item.expression:
            case _ if item.alias is not None:
                names.append(item.alias)
            case tree.Property(_, name) | tree.Identifier(name):
                names.append(name)
            case _:
                unnamed += 1
                names.append(f"${unnamed}")
    return names
