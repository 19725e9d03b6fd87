"""The front door: TLS under Azure's host names, tokens, role checks, events."""
