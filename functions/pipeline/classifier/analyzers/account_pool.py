"""Account pool: spreads the calls to an Azure AI service over several accounts, each with rate limiters."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from common.adapters.service_errors import service_error
from common.domain import metrics, timeouts
from common.domain.circuit_breaker import CircuitBreaker
from common.domain.errors import AccessDeniedError, ConfigurationError, PipelineError, RetryLaterError

from classifier.analyzers.responses import SERVICE
from classifier.domain.errors import AnalyzerConfigurationError, ThrottledError
from classifier.domain.rate_limiter import AdaptiveRateLimiter, Quota

# A failed call is retried immediately up to this often, at another account if there is one.
_RETRIES = 2
_RETRY_SECONDS = 0.5
# The pause after a call that was refused without a time.
_REFUSED_SECONDS = 1.0


@dataclass(frozen=True, eq=False)
class _Account[Client]:
    """One account, and the rate limiters of what it limits: charged calls, and requests of any kind."""

    client: Client
    calls: AdaptiveRateLimiter
    requests: AdaptiveRateLimiter | None

    @property
    def call_limiters(self) -> list[AdaptiveRateLimiter]:
        """The rate limiters of a charged call."""
        return [self.calls] if self.requests is None else [self.calls, self.requests]

    @property
    def request_limiters(self) -> list[AdaptiveRateLimiter]:
        """The rate limiters of a request that is not charged."""
        return [] if self.requests is None else [self.requests]

    def wait_seconds(self, now: float) -> float:
        """Return the seconds until the next charged call is allowed."""
        return _longest_wait(self.call_limiters, now)

    @property
    def rate(self) -> float:
        """Charged calls a second."""
        return min(limiter.rate for limiter in self.call_limiters)


class AccountPool[Client]:
    """Several accounts with the same abilities, each with rate limiters. The one that is available first is called.

    Calls are spread evenly over the sum of the accounts' rates: images that are sent together would come back together,
    and would then wait for the CPU together, again and again (docs/decisions/0008). One circuit breaker for all
    accounts stops the calls after consecutive failures: with one for each account, an outage would cause as many times
    more calls.
    """

    def __init__(
        self,
        clients: Sequence[Client],
        quota: Quota,
        *,
        request_quota: Quota | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Create a pool.

        Args:
            clients: the client of each account.
            quota: the charged calls that one account answers.
            request_quota: the requests of any kind that one account answers, of a service that limits those too.
            clock: seconds of a monotonic clock.
            sleep: waits for some seconds.
        """
        self._accounts = [
            _Account(
                client,
                AdaptiveRateLimiter(quota, clock()),
                None if request_quota is None else AdaptiveRateLimiter(request_quota, clock()),
            )
            for client in clients
        ]
        self._breaker = CircuitBreaker(SERVICE, clock=clock)
        self._clock = clock
        self._sleep = sleep
        self._next_call_at = clock()

    def check_capacity(self) -> None:
        """Check that a call can start within timeouts.ACCOUNT_WAIT_SECONDS.

        Raises:
            RetryLaterError: it cannot, or the circuit breaker is open after a transient error.
            ConfigurationError: the circuit breaker is open after a configuration error.
        """
        self._breaker.check()
        now = self._clock()
        wait = min(self._wait_seconds(account, now) for account in self._accounts)
        _check_wait(wait, timeouts.ACCOUNT_WAIT_SECONDS)

    async def call[Result](self, send: Callable[[Client], Awaitable[Result]], *, paid: bool = False) -> Result:
        """Call a service with the account that is available first, and return the result of `send`.

        `send` is called again after every 429, and after up to two failures.

        Args:
            send: makes the call with the client of an account.
            paid: whether another call for the same image was charged already, which makes a longer wait worthwhile.

        Raises:
            RetryLaterError: the call would have to wait too long, or failed with a transient error.
            PipelineError: what `send` raises.
        """
        deadline = self._clock() + (timeouts.PAID_ACCOUNT_WAIT_SECONDS if paid else timeouts.ACCOUNT_WAIT_SECONDS)
        failed: list[_Account[Client]] = []
        while True:
            if paid and 0 < self._breaker.wait_seconds < deadline - self._clock():
                await self._sleep(self._breaker.wait_seconds)
            account = await self._wait_for_account(deadline, failed)
            self._breaker.check()
            try:
                return await self._measure(send, account, account.call_limiters)
            except ThrottledError:
                continue
            except (RetryLaterError, ConfigurationError) as error:
                failed.append(account)
                if not self._should_retry(error, failed):
                    raise
                await self._sleep(_RETRY_SECONDS * 2 ** len(failed))

    async def request[Result](self, client: Client, send: Callable[[Client], Awaitable[Result]]) -> Result:
        """Make a request that is not charged to one account, and return the result of `send`.

        It is not repeated: the message is requeued, and waiting in the queue is free.

        Args:
            client: the client of the account.
            send: makes the request with the client.

        Raises:
            RetryLaterError: the request would have to wait too long, or failed with a transient error.
            PipelineError: what `send` raises.
        """
        account = next(account for account in self._accounts if account.client is client)
        now = self._clock()
        wait = _longest_wait(account.request_limiters, now)
        _check_wait(wait, timeouts.OPERATION_POLL_WAIT_SECONDS)
        for limiter in account.request_limiters:
            limiter.reserve(now)
        await self._sleep(wait)
        self._breaker.check()
        return await self._measure(send, account, account.request_limiters)

    def on_throttled(self, client: Client) -> None:
        """Make fewer charged calls to an account that has accepted one and refused it afterwards as one too many."""
        account = next(account for account in self._accounts if account.client is client)
        account.calls.on_throttled(self._clock(), _REFUSED_SECONDS)
        metrics.add("throttled")

    async def _measure[Result](
        self,
        send: Callable[[Client], Awaitable[Result]],
        account: _Account[Client],
        limiters: Sequence[AdaptiveRateLimiter],
    ) -> Result:
        """Make one request, and learn from its result how fast further ones may follow."""
        self._breaker.reserve()
        try:
            result = await self._send(send, account, is_call=account.calls in limiters)
        except ThrottledError as error:
            for limiter in limiters:
                limiter.on_throttled(self._clock(), error.retry_after_seconds)
            metrics.add("throttled")
            raise
        except (RetryLaterError, ConfigurationError) as error:
            if not isinstance(error, AnalyzerConfigurationError):
                self._breaker.on_failure(error)
            raise
        except PipelineError:
            self._breaker.on_success()  # the service responded
            raise
        for limiter in limiters:
            limiter.on_success()
        self._breaker.on_success()
        return result

    async def _send[Result](
        self, send: Callable[[Client], Awaitable[Result]], account: _Account[Client], *, is_call: bool
    ) -> Result:
        """Make one request, measure it, and map the SDK's errors."""
        started = self._clock()
        try:
            return await send(account.client)
        except PipelineError:
            raise
        except Exception as error:
            mapped = service_error(error, SERVICE)
            if mapped is None:
                raise
            raise mapped from error
        finally:
            metrics.add("visionCalls" if is_call else "polls")
            metrics.add("visionMs" if is_call else "pollMs", (self._clock() - started) * 1000)

    def _should_retry(self, error: PipelineError, failed: Sequence[_Account[Client]]) -> bool:
        """Return whether to retry now. After a denied or misconfigured call only an account that has not failed yet."""
        if len(failed) > _RETRIES:
            return False
        if isinstance(error, AccessDeniedError | ConfigurationError):
            return len(failed) < len(self._accounts) and not isinstance(error, AnalyzerConfigurationError)
        return True

    async def _wait_for_account(self, deadline: float, failed: Sequence[_Account[Client]]) -> _Account[Client]:
        """Reserve a call of the account that is available first, and wait for it.

        An account that has failed is used only if there is no other.
        """
        now = self._clock()
        accounts = [account for account in self._accounts if account not in failed] or self._accounts
        # A random one of those that are available equally soon, so that many instances use all accounts equally.
        account = min(
            accounts,
            key=lambda account: (account.wait_seconds(now), random.random()),  # noqa: S311 (no secret depends on it)
        )
        wait = self._wait_seconds(account, now)
        _check_wait(wait, deadline - now)
        for limiter in account.call_limiters:
            limiter.reserve(now)
        self._next_call_at = now + wait + 1 / sum(account.rate for account in self._accounts)
        await self._sleep(wait)
        return account

    def _wait_seconds(self, account: _Account[Client], now: float) -> float:
        return max(account.wait_seconds(now), self._next_call_at - now)


def _longest_wait(limiters: Sequence[AdaptiveRateLimiter], now: float) -> float:
    return max((limiter.wait_seconds(now) for limiter in limiters), default=0.0)


def _check_wait(wait: float, longest: float) -> None:
    if wait > longest:
        raise ThrottledError("every account of the analyzer is throttled", retry_after_seconds=wait)
