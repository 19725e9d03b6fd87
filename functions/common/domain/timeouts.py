"""Durations that have to agree with each other, in seconds; tests/functions/common/domain/test_timeouts.py checks them.

One invocation, from the inside out:

    a call to the analyzer < PROCESSING < the lease on an analysis
    PROCESSING + RELEASE + FAILURE_RECORDING + REQUEUE < INVOCATION < host.json functionTimeout < the message's lease
"""

from datetime import timedelta

# All processing of the image.
PROCESSING_SECONDS = 240.0
# After processing was stopped: releasing the lease on the analysis.
RELEASE_SECONDS = 15.0
# Recording that the image could not be classified.
FAILURE_RECORDING_SECONDS = 60.0
# Requeueing the message; the Storage SDK's own three retries take up to 87 seconds of waiting:
# https://github.com/Azure/azure-sdk-for-python/blob/main/sdk/storage/azure-storage-queue/azure/storage/queue/_shared/policies_async.py
REQUEUE_SECONDS = 150.0
# One whole invocation. At functionTimeout the host ends the worker, with all its other invocations.
INVOCATION_SECONDS = 500.0
# A run of reconcile starts no page after this.
RECONCILE_SECONDS = 420.0
# The load balancer ends an HTTP request after 230 seconds:
# https://learn.microsoft.com/azure/azure-functions/functions-scale#timeout
HTTP_FUNCTION_SECONDS = 200.0
# How long a message that is being redriven is hidden from another redrive.
REDRIVE_HIDDEN_SECONDS = 600

# The host's lease on a queue message:
# https://github.com/Azure/azure-webjobs-sdk (QueueListener, `visibilityTimeout` of ten minutes)
MESSAGE_LEASE_SECONDS = 600.0
# The lease on an analysis; after this time its owner has crashed.
ANALYSIS_LEASE_SECONDS = 300.0
# Pauses between the checks for an analysis that another worker is making, with the image in memory.
ANALYSIS_POLL_SECONDS = (0.5, 1.0, 2.0)
# How long a long-running operation is waited for, in the queue; then it is started again. Operations have been stuck
# for ever: https://github.com/microsoft-foundry/new-foundry-portal/issues/108
OPERATION_SECONDS = 1800.0
# The pause before the first request for the result of an operation, its growth with the operation's age, and its limit:
# each pause is half as long again as the one before.
OPERATION_POLL_FIRST_SECONDS = 6.0
OPERATION_POLL_AGE_FACTOR = 0.5
OPERATION_POLL_LONGEST_SECONDS = 30.0
# How long a request for the result of an operation waits for its account.
OPERATION_POLL_WAIT_SECONDS = 5.0
# How long a call waits for an account. Waiting in the queue is free, waiting here costs instance time.
ACCOUNT_WAIT_SECONDS = 20.0
# The same, if another call for the same image was charged already.
PAID_ACCOUNT_WAIT_SECONDS = 60.0
# To connect, and to receive each part of a response.
CONNECTION_SECONDS = 5.0
READ_SECONDS = 30.0

# Requeueing after a transient error: exponential back-off, multiplied by a jitter from 1 to BACKOFF_JITTER. A message
# waits about a third of the time that the errors have lasted, so a backlog is processed soon after (`make simulate`).
BACKOFF_FIRST_SECONDS = 10.0
BACKOFF_FACTOR = 1.35
BACKOFF_LONGEST_SECONDS = 900.0
BACKOFF_JITTER = 1.5
# Requeueing after a configuration error.
CONFIGURATION_RETRY_SECONDS = 900.0
# Sending an image to the shadow, which its record does not wait for longer.
SHADOW_SEND_SECONDS = 5.0
# How long an image is retried in the shadow: a comparison is worth less than what its retries would cost in days of an
# outage.
SHADOW_RETRY_AGE = timedelta(hours=2)
# How long a message is retried while the settings, and with them maxRetryAgeHours, cannot be read: its default.
DEFAULT_RETRY_AGE = timedelta(hours=168)
# A role assignment takes up to 30 minutes to propagate:
# https://learn.microsoft.com/answers/questions/524792/azure-rbac-replication-latency
ACCESS_PROPAGATION = timedelta(minutes=30)

# First and longest period of an open circuit breaker; every failure doubles the period.
BREAKER_FIRST_SECONDS = 5.0
BREAKER_LONGEST_SECONDS = 75.0

# How old a blob must be before reconcile looks it up, with events; Event Grid's own retries last longer.
EVENT_GRACE = timedelta(minutes=30)
# The same without events: more than the clock skew between the app and Storage, and than a listing may lag.
SCHEDULE_GRACE = timedelta(minutes=2)


def operation_poll_seconds(age: float) -> float:
    """Return the pause before the next request for the result of an operation that was started `age` seconds ago."""
    return min(OPERATION_POLL_LONGEST_SECONDS, OPERATION_POLL_FIRST_SECONDS + OPERATION_POLL_AGE_FACTOR * age)


def backoff_seconds(retries: int) -> float:
    """Return the delay before the next attempt after `retries` retries, without jitter."""
    # A larger exponent would overflow.
    return min(BACKOFF_LONGEST_SECONDS, BACKOFF_FIRST_SECONDS * BACKOFF_FACTOR ** min(retries, 50))
