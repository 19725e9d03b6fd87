"""Azure Resource Manager's REST API, as far as deployers call it directly."""
