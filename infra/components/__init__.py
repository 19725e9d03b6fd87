"""Pulumi components, one for each capability of the pipeline. Imports core and dynamic."""
