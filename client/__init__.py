"""The command line for a deployed stack: classify and search images, send poison messages again, analyze images again.

Uses the stack's outputs and the ordinary Azure sign-in, and nothing else of this repository.
"""
