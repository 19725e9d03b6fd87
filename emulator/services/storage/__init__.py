"""Blob and Queue Storage: Azurite behind token and role checks."""
