"""Pulumi dynamic providers, for operations that azure-native has no resource for. Imports only core."""
