"""Cosmos DB for NoSQL over SQLite: items with partition keys, ETags and time to live."""
