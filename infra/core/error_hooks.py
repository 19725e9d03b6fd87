"""Error hooks: retry operations that Azure refuses for a while, and explain errors that need a person to act.

https://www.pulumi.com/docs/iac/concepts/resources/options/hooks (the CLI must be 3.219 or later).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pulumi

_FIRST_WAIT_SECONDS = 5
_LONGEST_WAIT_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class KnownError:
    """An error of Azure, recognized by its text.

    Attributes:
        name: Short name in kebab case; part of the error hook's name.
        pattern: Regular expression that is searched in the error's text, without regard to case.
        advice: What to do; logged when the operation is not retried, or not any more.
        retry_seconds: Maximum sum of the waits between retries; 0 if retrying does not help.
    """

    name: str
    pattern: str
    advice: str
    retry_seconds: int = 0


def waits(retry_seconds: int) -> Iterator[int]:
    """The seconds to wait before each retry: 5, 10, 20, 40, then 60 each; together at most `retry_seconds`."""
    wait = _FIRST_WAIT_SECONDS
    remaining = retry_seconds
    while wait <= remaining:
        yield wait
        remaining -= wait
        wait = min(2 * wait, _LONGEST_WAIT_SECONDS)


async def should_retry(args: pulumi.ErrorHookArgs, *known_errors: KnownError) -> bool:
    """Return whether to retry the failed operation, after the wait before the retry.

    The wait is derived from the number of errors so far, so the hook keeps no state. An unknown error is not retried.
    """
    latest_error = args.errors[0]
    for known in known_errors:
        if re.search(known.pattern, latest_error, re.IGNORECASE | re.DOTALL):
            schedule = [*waits(known.retry_seconds)]
            failures = len(args.errors)
            if failures > len(schedule):
                pulumi.log.error(f"{args.name}: {known.advice}")
                return False
            seconds = schedule[failures - 1]
            pulumi.log.info(f"{args.name}: {known.name}; trying again in {seconds} seconds")
            await asyncio.sleep(seconds)
            return True
    return False


def error_hooks(resource_name: str, *known_errors: KnownError) -> pulumi.ResourceHookBinding:
    """The resource option `hooks` that handles `known_errors` of the resource with this logical name.

    Each resource's hook has its own name, because the engine accepts a name only once in a program.
    """

    async def on_error(args: pulumi.ErrorHookArgs) -> bool:
        return await should_retry(args, *known_errors)

    hook = pulumi.ErrorHook("-".join([resource_name, *(known.name for known in known_errors)]), on_error)
    return pulumi.ResourceHookBinding(on_error=[hook])
