"""The refusal of a deployment."""


class Refusal(Exception):
    """Azure would refuse this deployment; the text says why, with Azure's own code."""
