"""The only modules that know Azure's SDKs: each fills in one of the ports."""
