"""The command behind `make prices`: fetches the price list of a region from Azure's Retail Prices API."""
