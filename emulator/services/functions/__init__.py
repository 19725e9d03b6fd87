"""The Functions host: runs what was shipped through the real Python worker library."""
