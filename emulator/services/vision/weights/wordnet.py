"""The nouns of WordNet, out of its database files: https://wordnet.princeton.edu/documentation/wndb5wn."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_HYPERNYMS = {"@", "@i"}


@dataclass(frozen=True, kw_only=True)
class Synset:
    """A meaning: its lemmas, in WordNet's own order and spelling, the offsets of its hypernyms, and its definition."""

    offset: int
    lemmas: tuple[str, ...]
    hypernyms: tuple[int, ...]
    definition: str = ""


@dataclass(frozen=True, kw_only=True)
class Sense:
    """One meaning of a lemma, and how often WordNet's authors met it in their tagged texts."""

    offset: int
    count: int


class Nouns:
    """All noun synsets, by their offset in data.noun."""

    def __init__(self, synsets: Iterable[Synset]) -> None:
        self._synsets = {synset.offset: synset for synset in synsets}
        self._by_lemma: dict[str, set[int]] = defaultdict(set)
        for synset in self._synsets.values():
            for lemma in synset.lemmas:
                self._by_lemma[lemma.lower()].add(synset.offset)

    def __iter__(self) -> Iterator[int]:
        """Iterate over the offsets of all synsets."""
        return iter(self._synsets)

    def synset(self, offset: int) -> Synset:
        """Return the synset at an offset. Raises KeyError."""
        return self._synsets[offset]

    def find(self, lemma: str) -> set[int]:
        """Return the offsets of all synsets with this lemma, in any case; words are joined by underscores."""
        return self._by_lemma.get(lemma.lower(), set())

    def ancestors(self, offset: int) -> set[int]:
        """Return the offsets of the synset itself and of everything above it, along all its hypernyms."""
        return set(self.distances(offset))

    def distances(self, offset: int) -> dict[int, int]:
        """Return how many steps the synset itself (0) and everything above it are away, along the shortest path."""
        distances = {offset: 0}
        frontier = [offset]
        while frontier:
            above = [hypernym for current in frontier for hypernym in self._synsets[current].hypernyms]
            distance = distances[frontier[0]] + 1
            frontier = [hypernym for hypernym in dict.fromkeys(above) if hypernym not in distances]
            distances.update(dict.fromkeys(frontier, distance))
        return distances


def read_nouns(path: Path) -> Nouns:
    """Read data.noun."""
    with path.open(encoding="ascii") as file:
        return Nouns(_parse_lines(file))


def read_senses(path: Path) -> dict[str, list[Sense]]:
    """Read the senses of all nouns from index.sense: by lemma in lower case, the most frequent first.

    A line is `lemma%type:… offset sense-number tag-count`; type 1 is a noun:
    https://wordnet.princeton.edu/documentation/senseidx5wn.
    """
    numbered: dict[str, list[tuple[int, Sense]]] = defaultdict(list)
    with path.open(encoding="ascii") as file:
        for line in file:
            key, offset, number, count = line.split()
            lemma, _, rest = key.partition("%")
            if rest.startswith("1:"):
                numbered[lemma].append((int(number), Sense(offset=int(offset), count=int(count))))
    return {
        lemma: [sense for _, sense in sorted(senses, key=lambda pair: pair[0])] for lemma, senses in numbered.items()
    }


def _parse_lines(lines: Iterable[str]) -> Iterator[Synset]:
    """Lines that begin with a space are the license."""
    for line in lines:
        if not line.startswith(" "):
            yield parse_synset(line)


def parse_synset(line: str) -> Synset:
    """Parse a line of data.noun.

    Its fields are `offset lexicographer-file type word-count (word lexical-id)* pointer-count (symbol offset
    part-of-speech source/target)* | gloss`; the count of words is hexadecimal, that of pointers decimal. A gloss is the
    definition, and examples in quotation marks after a semicolon.
    """
    record, _, gloss = line.partition(" | ")
    fields = record.split()
    word_count = int(fields[3], 16)
    pointers = 4 + 2 * word_count
    pointer_count = int(fields[pointers])
    hypernyms: list[int] = []
    for index in range(pointer_count):
        start = pointers + 1 + 4 * index
        if fields[start] in _HYPERNYMS:
            hypernyms.append(int(fields[start + 1]))
    return Synset(
        offset=int(fields[0]),
        lemmas=tuple(fields[4:pointers:2]),
        hypernyms=tuple(hypernyms),
        definition=gloss.partition('; "')[0].strip(),
    )
