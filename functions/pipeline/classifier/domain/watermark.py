"""The checkpoint of reconcile: where a round is, and which blobs it looks up."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from classifier.domain.models import BlobInfo

# How many blobs that were missed again are remembered by name. If there are more, the next rounds look up all blobs
# from the oldest of them on. The watermark is written after every page, so it has to stay small.
_MAX_REMEMBERED = 200


class Watermark(Struct, frozen=True, kw_only=True):
    """Where a round is, and from which time on it looks up blobs. All times are Last-Modified times of blobs.

    Attributes:
        marker: the next page; None for the first page.
        cutoff: the round handles blobs up to this time; None between two rounds.
        verified: the round looks up blobs from this time on; None for all blobs.
        previous: the cutoff of the previous round.
        remembered: names of older blobs that the round looks up as well.
        earliest: the time of the oldest blob that the round has missed for the first time.
        missed: names of the blobs that were missed by this round and by the previous one. They may be missed for ever,
            so they are remembered by name and do not make every round look up all newer blobs.
        backfill: whether the round looks up all blobs, and the analyzer of their records.
        database_region: the region that the database was written in when the checkpoint was stored; None if unknown.
    """

    marker: str | None = None
    cutoff: str | None = None
    verified: str | None = None
    previous: str | None = None
    remembered: tuple[str, ...] = ()
    earliest: str | None = None
    missed: tuple[str, ...] = ()
    backfill: bool = False
    database_region: str | None = None

    def __post_init__(self) -> None:
        """Check what the types do not say. Raises ValueError if a time is none, or has no time zone."""
        for time in (self.cutoff, self.verified, self.previous, self.earliest):
            if time is not None and datetime.fromisoformat(time).tzinfo is None:
                raise ValueError(f"{time} has no time zone")

    def in_region(self, region: str) -> "Watermark":
        """Return the watermark for a database that is written in `region` now.

        A failover to another region may lose the records of up to fifteen minutes, and this checkpoint may be older or
        newer than they are, so the next round looks up all blobs:
        https://learn.microsoft.com/azure/reliability/reliability-cosmos-db-nosql
        """
        if self.database_region in {None, region}:
            return replace(self, database_region=region)
        return Watermark(cutoff=self.cutoff if self.backfill else None, backfill=self.backfill, database_region=region)

    def includes(self, blob: BlobInfo) -> bool:
        """Return whether the round looks up the blob's record."""
        if self.cutoff is None or blob.last_modified > datetime.fromisoformat(self.cutoff):
            return False
        if self.verified is None or self.backfill:
            return True
        # Last-Modified has whole seconds: a blob of the same second may be newer than the cutoff of the last round.
        return blob.last_modified >= datetime.fromisoformat(self.verified) or blob.name in self.remembered

    def after_page(self, missed: Sequence[BlobInfo]) -> "Watermark":
        """Return the watermark after a page on which these blobs were missed."""
        if self.backfill:
            return self  # later rounds look for a record, whichever analyzer it names
        names = [*self.missed]
        earliest = self.earliest
        for blob in missed:
            missed_again = self.previous is not None and blob.last_modified < datetime.fromisoformat(self.previous)
            if missed_again and len(names) < _MAX_REMEMBERED:
                names.append(blob.name)
            else:
                oldest = blob.last_modified
                if earliest is not None:
                    oldest = min(oldest, datetime.fromisoformat(earliest))
                earliest = oldest.isoformat()
        return replace(self, missed=tuple(names), earliest=earliest)

    def after_round(self) -> "Watermark":
        """Return the watermark after the last page of the round."""
        if self.backfill:
            return Watermark(
                verified=self.verified,
                previous=self.previous,
                remembered=self.remembered,
                database_region=self.database_region,
            )
        # Messages of this round may be lost as well, so its blobs are looked up once more.
        return Watermark(
            verified=self.earliest or self.cutoff,
            previous=self.cutoff,
            remembered=self.missed,
            database_region=self.database_region,
        )
