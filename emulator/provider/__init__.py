"""The stand-in for the azure-native provider: the real Pulumi engine talks to it over gRPC."""
