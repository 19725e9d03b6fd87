"""Content Understanding: definitions of analyzers and long-running analyses of images, on the packaged models."""
