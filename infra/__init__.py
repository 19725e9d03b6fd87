"""The pipeline's infrastructure: components, grants, and the release of the function code."""
