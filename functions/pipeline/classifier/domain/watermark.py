"""Where a round of `reconcile` is, and which blobs it looks up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from classifier.domain.ports import Listed

# So many blobs that were missed again are remembered by name; more than that keep the next rounds looking from the
# oldest of them on. The watermark is written with every page.
_REMEMBERED = 200


@dataclass(frozen=True, kw_only=True)
class Watermark:
    """Where a round is, and from when on the next one looks blobs up.

    `marker` is the next page, and `cutoff` the time of the newest blobs that the round looks at. `verified` is the
    time from which on it looks them up (None: all), and `remembered` names older ones that are looked up as well.
    `previous` is the cutoff of the round before. Of what the present round has missed, `earliest` is the oldest one's
    time, and `missed` names those that the round before had missed too: they may be missed for ever, and must not keep
    every round looking at everything since. A `backfill` looks at all blobs, and at the analyzer of their records.
    """

    marker: str | None = None
    cutoff: str | None = None
    verified: str | None = None
    previous: str | None = None
    remembered: tuple[str, ...] = ()
    earliest: str | None = None
    missed: tuple[str, ...] = ()
    backfill: bool = False

    @staticmethod
    def load(value: Mapping[str, Any]) -> "Watermark":
        """Out of what was kept, perhaps by another version of this code."""
        known = {field.name for field in fields(Watermark)}
        found = {name: item for name, item in value.items() if name in known}
        for name in ("remembered", "missed"):
            found[name] = tuple(found.get(name, ()))
        return Watermark(**found)

    def looks_up(self, blob: Listed) -> bool:
        """Whether the round looks up the blob's record."""
        if self.cutoff is None or blob.modified > datetime.fromisoformat(self.cutoff):
            return False
        if self.verified is None or self.backfill:
            return True
        # Blobs have times in whole seconds: one of the same second may have come after the last round's cutoff.
        return blob.modified >= datetime.fromisoformat(self.verified) or blob.name in self.remembered

    def note(self, missed: Sequence[Listed]) -> "Watermark":
        """After a page on which these were missed."""
        if self.backfill:
            return self  # a later round looks for a record, not for its analyzer
        names, earliest = [*self.missed], self.earliest
        for blob in missed:
            again = self.previous is not None and blob.modified < datetime.fromisoformat(self.previous)
            if again and len(names) < _REMEMBERED:
                names.append(blob.name)
            else:
                times = [blob.modified, *([datetime.fromisoformat(earliest)] if earliest else [])]
                earliest = min(times).isoformat()
        return replace(self, missed=tuple(names), earliest=earliest)

    def finish(self) -> "Watermark":
        """After the last page."""
        if self.backfill:
            return Watermark(verified=self.verified, previous=self.previous, remembered=self.remembered)
        # What was enqueued may get lost too, so it is looked up once more.
        return Watermark(verified=self.earliest or self.cutoff, previous=self.cutoff, remembered=self.missed)
