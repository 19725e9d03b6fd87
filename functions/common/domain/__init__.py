"""Types, rules and errors that both apps use; no SDK."""
