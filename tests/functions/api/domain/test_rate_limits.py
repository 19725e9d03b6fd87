"""The token bucket of each caller."""

from image_api.domain.rate_limits import RateLimits


class Clock:
    """A clock that stands until a test moves it."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_allowed_and_then_one_request_for_each_token() -> None:
    clock = Clock()
    limits = RateLimits(per_second=2, burst=3, clock=clock)
    assert [limits.reserve("a") for _ in range(4)] == [0, 0, 0, 0.5]
    clock.now += 0.5
    assert [limits.reserve("a") for _ in range(2)] == [0, 0.5]


def test_a_part_of_a_token_shortens_the_wait() -> None:
    clock = Clock()
    limits = RateLimits(per_second=2, burst=1, clock=clock)
    limits.reserve("a")
    clock.now += 0.25
    assert limits.reserve("a") == 0.25


def test_a_bucket_holds_no_more_than_a_burst() -> None:
    clock = Clock()
    limits = RateLimits(per_second=2, burst=3, clock=clock)
    limits.reserve("a")
    clock.now += 3600
    assert [limits.reserve("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_callers_do_not_share_a_bucket() -> None:
    limits = RateLimits(per_second=1, burst=1, clock=Clock())
    assert [limits.reserve("a"), limits.reserve("a"), limits.reserve("b")] == [0, 1, 0]


def test_the_caller_that_was_seen_longest_ago_is_forgotten_first() -> None:
    limits = RateLimits(per_second=1, burst=1, clock=Clock())
    limits.reserve("first")
    limits.reserve("second")
    limits.reserve("first")
    for number in range(9_999):
        limits.reserve(str(number))
    assert limits.reserve("first") == 1
    assert limits.reserve("second") == 0
