"""Installation of the toolchain into this checkout, and compilation of its locks."""
