"""What the emulator answers instead of doing it."""


class Refusal(Exception):
    """Azure would refuse this deployment; the text says why, with Azure's own code."""
