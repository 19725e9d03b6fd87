"""The entrance of the emulator: an HTTP proxy, and a TLS listener for Azure's host names."""
