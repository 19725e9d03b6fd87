"""Use cases: classify, reconcile and redrive. They import `domain` only."""
