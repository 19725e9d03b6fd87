"""Clients of Azure's services that the function apps share, on Azure's SDKs."""
