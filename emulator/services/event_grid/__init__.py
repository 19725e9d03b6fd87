"""Event Grid: delivery of blob events to storage queues, and custom topics."""
