"""Classifies images: from an event about a blob to a record in Cosmos DB."""
