"""Types, rules and errors that the function apps share; no SDK."""
