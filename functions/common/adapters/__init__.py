"""Clients of Azure's services that both apps use, on Azure's SDKs."""
