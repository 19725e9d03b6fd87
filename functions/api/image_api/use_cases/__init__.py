"""What the API does, without HTTP and without SDKs."""
