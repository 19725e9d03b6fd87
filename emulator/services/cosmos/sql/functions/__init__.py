"""The built-in functions of the query language, by subject."""
