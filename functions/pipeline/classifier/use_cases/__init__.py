"""What the pipeline does with a message, a blob, a dead letter or a poison message. Imports `domain` only."""
