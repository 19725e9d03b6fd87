"""What compiled expressions work with: rows, operators, patterns, aggregates, words and vectors."""
