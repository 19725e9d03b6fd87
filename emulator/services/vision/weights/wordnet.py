"""The nouns of WordNet, out of its database files: https://wordnet.princeton.edu/documentation/wndb5wn."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_HYPERNYMS = {"@", "@i"}


@dataclass(frozen=True, kw_only=True)
class Synset:
    """A meaning: its lemmas, in WordNet's own order and spelling, and the offsets of its hypernyms."""

    offset: int
    lemmas: tuple[str, ...]
    hypernyms: tuple[int, ...]


class Nouns:
    """All noun synsets, by their offset in data.noun."""

    def __init__(self, synsets: Iterable[Synset]) -> None:
        self._synsets = {synset.offset: synset for synset in synsets}
        self._by_lemma: dict[str, set[int]] = defaultdict(set)
        for synset in self._synsets.values():
            for lemma in synset.lemmas:
                self._by_lemma[lemma.lower()].add(synset.offset)

    def synset(self, offset: int) -> Synset:
        """Return the synset at an offset. Raises KeyError."""
        return self._synsets[offset]

    def find(self, lemma: str) -> set[int]:
        """Return the offsets of all synsets with this lemma, in any case; words are joined by underscores."""
        return self._by_lemma.get(lemma.lower(), set())

    def ancestors(self, offset: int) -> set[int]:
        """Return the offsets of the synset itself and of everything above it, along all its hypernyms."""
        visited: set[int] = set()
        pending = [offset]
        while pending:
            current = pending.pop()
            if current not in visited:
                visited.add(current)
                pending.extend(self._synsets[current].hypernyms)
        return visited


def read_nouns(path: Path) -> Nouns:
    """Read data.noun."""
    with path.open(encoding="ascii") as file:
        return Nouns(_parse_lines(file))


def _parse_lines(lines: Iterable[str]) -> Iterator[Synset]:
    """Lines that begin with a space are the license."""
    for line in lines:
        if not line.startswith(" "):
            yield parse_synset(line)


def parse_synset(line: str) -> Synset:
    """Parse a line of data.noun.

    Its fields are `offset lexicographer-file type word-count (word lexical-id)* pointer-count (symbol offset
    part-of-speech source/target)* | gloss`; the count of words is hexadecimal, that of pointers decimal.
    """
    fields = line.split(" | ", 1)[0].split()
    word_count = int(fields[3], 16)
    pointers = 4 + 2 * word_count
    pointer_count = int(fields[pointers])
    hypernyms: list[int] = []
    for index in range(pointer_count):
        start = pointers + 1 + 4 * index
        if fields[start] in _HYPERNYMS:
            hypernyms.append(int(fields[start + 1]))
    return Synset(offset=int(fields[0]), lemmas=tuple(fields[4:pointers:2]), hypernyms=tuple(hypernyms))
