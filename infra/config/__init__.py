"""The stack's settings and the figures derived from them. Imports only core."""
