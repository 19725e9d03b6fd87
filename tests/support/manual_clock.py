"""A clock that stands still until a test sets it."""


class ManualClock:
    """Returns `now`, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now
