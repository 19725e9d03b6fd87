"""An item as the indexes of its container take it."""

from dataclasses import dataclass

from emulator.services.cosmos.items.container import Item


@dataclass(frozen=True, kw_only=True)
class IndexedItem:
    """What an index reads of an item.

    Attributes:
        number: The item's number in the store.
        partition: The physical partition that it is in.
        properties: Its properties, at least those that the index is about.
    """

    number: int
    partition: int
    properties: Item
