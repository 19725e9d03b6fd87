"""Adapters: implementations of the ports with Azure's SDKs."""
