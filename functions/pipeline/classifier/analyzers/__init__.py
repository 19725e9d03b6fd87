"""Analysers: one module each, found by its name.

A module here is an analyser when it has `build(options, features, world) -> ports.Analyzer`. Adding one is adding one
file: `PIPELINE_ANALYZER` names it with dashes, and `PIPELINE_ANALYZER_OPTIONS` is its own.
"""
