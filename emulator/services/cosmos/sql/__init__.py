"""Cosmos DB's query language: parser, printer, analysis and evaluation, without HTTP and without storage."""
