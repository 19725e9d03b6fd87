"""Data types, rules, errors and ports of the classification pipeline. Imports no SDK."""
