"""Items in SQLite: rules, partition keys, physical partitions, charges."""
