"""Checks a query, compiles it to closures and runs it."""
