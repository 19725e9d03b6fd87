"""The pull request comment: what a preview of a stack would change, in the order in which a reviewer must know it."""
