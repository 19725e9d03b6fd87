"""The error of a deployment."""


class DeploymentError(Exception):
    """Azure would refuse this deployment; the message starts with Azure's error code where it is known."""
