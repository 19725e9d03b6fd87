"""Measurements and simulations of the pipeline: python -m benchmarks.<module>."""
