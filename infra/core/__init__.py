"""Names, value objects, roles, errors and their handling: what every other folder builds on. Imports only core."""
