"""The emulated azure-native provider, which the Pulumi engine attaches to over gRPC."""
