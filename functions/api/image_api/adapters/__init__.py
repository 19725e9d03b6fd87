"""Implementations of the ports on the SDKs of Azure."""
