"""Queries over HTTP: plans, scans of partitions, continuation, indexes and charges. The language is in `sql`."""
