"""The client's errors."""


class ClientError(Exception):
    """The command cannot be carried out; the message says why and what to do."""
