"""Drift: resources that differ in Azure from what the program states, as `pulumi refresh --preview-only` reports it."""
