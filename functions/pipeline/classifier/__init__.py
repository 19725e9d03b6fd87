"""Classifies images: an event in, a record in Cosmos DB out."""
