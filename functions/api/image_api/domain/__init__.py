"""Types, rules and ports of the API; no SDK."""
