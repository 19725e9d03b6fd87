"""Telemetry, diagnostic settings, alerts, the workbook and the budget. Imports only core."""
