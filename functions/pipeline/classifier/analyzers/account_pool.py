"""Account pool: spreads the calls to an Azure AI service over several accounts, each with a rate limiter."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence

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


class AccountPool[Client]:
    """Several accounts with the same abilities, each with a rate limiter. The one that is available first is called.

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
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._accounts = [(client, AdaptiveRateLimiter(quota, clock())) for client in clients]
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
        wait = min(self._wait_seconds(limiter, now) for _, limiter in self._accounts)
        self._check_wait(wait, timeouts.ACCOUNT_WAIT_SECONDS)

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
        failed: list[Client] = []
        while True:
            if paid and 0 < self._breaker.wait_seconds < deadline - self._clock():
                await self._sleep(self._breaker.wait_seconds)
            client, limiter = await self._wait_for_account(deadline, failed)
            self._breaker.check()
            self._breaker.reserve()
            try:
                result = await self._send(send, client)
            except ThrottledError as error:
                limiter.on_throttled(self._clock(), error.retry_after_seconds)
                metrics.add("throttled")
            except (RetryLaterError, ConfigurationError) as error:
                failed.append(client)
                if not isinstance(error, AnalyzerConfigurationError):
                    self._breaker.on_failure(error)
                if not self._should_retry(error, failed):
                    raise
                await self._sleep(_RETRY_SECONDS * 2 ** len(failed))
            except PipelineError:
                self._breaker.on_success()  # the service responded
                raise
            else:
                limiter.on_success()
                self._breaker.on_success()
                return result

    async def _send[Result](self, send: Callable[[Client], Awaitable[Result]], client: Client) -> Result:
        """Make one call, measure it, and map the SDK's errors."""
        started = self._clock()
        try:
            return await send(client)
        except PipelineError:
            raise
        except Exception as error:
            mapped = service_error(error, SERVICE)
            if mapped is None:
                raise
            raise mapped from error
        finally:
            metrics.add("visionCalls")
            metrics.add("visionMs", (self._clock() - started) * 1000)

    def _should_retry(self, error: PipelineError, failed: Sequence[Client]) -> bool:
        """Return whether to retry now. After a denied or misconfigured call only an account that has not failed yet."""
        if len(failed) > _RETRIES:
            return False
        if isinstance(error, AccessDeniedError | ConfigurationError):
            return len(failed) < len(self._accounts) and not isinstance(error, AnalyzerConfigurationError)
        return True

    async def _wait_for_account(self, deadline: float, failed: Sequence[Client]) -> tuple[Client, AdaptiveRateLimiter]:
        """Reserve a call of the account that is available first, and wait for it.

        An account that has failed is used only if there is no other.
        """
        now = self._clock()
        accounts = [account for account in self._accounts if account[0] not in failed] or self._accounts
        # A random one of those that are available equally soon, so that many instances use all accounts equally.
        client, limiter = min(
            accounts,
            key=lambda account: (account[1].wait_seconds(now), random.random()),  # noqa: S311 (no secret depends on it)
        )
        wait = self._wait_seconds(limiter, now)
        self._check_wait(wait, deadline - now)
        limiter.reserve(now)
        self._next_call_at = now + wait + 1 / sum(limiter.rate for _, limiter in self._accounts)
        await self._sleep(wait)
        return client, limiter

    def _wait_seconds(self, limiter: AdaptiveRateLimiter, now: float) -> float:
        return max(limiter.wait_seconds(now), self._next_call_at - now)

    @staticmethod
    def _check_wait(wait: float, longest: float) -> None:
        if wait > longest:
            raise ThrottledError("every account of the analyzer is throttled", retry_after_seconds=wait)
