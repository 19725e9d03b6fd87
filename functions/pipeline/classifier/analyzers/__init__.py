"""Analyzers: one module each, with a function `build(options, features, azure) -> ports.Analyzer`.

A new analyzer is one new module. `PIPELINE_ANALYZER` is its name, with dashes in place of underscores, and
`PIPELINE_ANALYZER_OPTIONS` are its options.
"""
