"""Checks of the program by tools that are not part of it."""
