"""Keys of cursors for tests."""

from datetime import date


class DayKeys:
    """`cursors.CursorKeys`: a key for each day, derived from a secret."""

    def __init__(self, secret: str = "secret") -> None:
        self.secret = secret

    async def get_key(self, day: date) -> bytes:
        return f"{self.secret} of {day}".encode()
