"""Azure on a laptop: local stand-ins, reached under Azure's own host names, that refuse what they do not support."""
