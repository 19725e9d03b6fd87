"""The gallery page on 127.0.0.1, over in-memory services: what tests and benchmarks in a browser need."""
