"""Every duration that must agree with another one, in seconds; tests/functions/domain/test_timeouts.py holds the order.

One invocation, from the inside out:

    a call of the analyzer < PROCESSING < the lease on an analysis
    PROCESSING + RELEASE + FAILURE_RECORDING + REQUEUE < INVOCATION < host.json functionTimeout < the message's lease
"""

from datetime import timedelta

# Everything that is done for the image.
PROCESSING_SECONDS = 240.0
# Afterwards, when processing was ended: giving back the lease on the analysis.
RELEASE_SECONDS = 15.0
# Recording that the image could not be classified.
FAILURE_RECORDING_SECONDS = 60.0
# Requeueing the message; the Storage SDK's own three retries take up to 87 seconds of waiting:
# https://github.com/Azure/azure-sdk-for-python/blob/main/sdk/storage/azure-storage-queue/azure/storage/queue/_shared/policies_async.py
REQUEUE_SECONDS = 150.0
# All of one invocation. The host ends the worker, with all its other invocations, at functionTimeout.
INVOCATION_SECONDS = 500.0
# A run of `reconcile` begins no page after this.
RECONCILE_SECONDS = 420.0
# The load balancer ends an HTTP request after 230 seconds:
# https://learn.microsoft.com/azure/azure-functions/functions-scale#timeout
HTTP_FUNCTION_SECONDS = 200.0
# For so long a redriven message is hidden from the next redrive.
REDRIVE_HIDDEN_SECONDS = 600

# The host's lease on a queue message:
# https://github.com/Azure/azure-webjobs-sdk (QueueListener, `visibilityTimeout` of ten minutes)
MESSAGE_LEASE_SECONDS = 600.0
# The lease on an analysis; an owner that still holds it afterwards has crashed.
ANALYSIS_LEASE_SECONDS = 300.0
# How long a message waits, with its image in memory, for an analysis that another worker has under way.
ANALYSIS_POLL_SECONDS = (0.5, 1.0, 2.0)
# How long a call waits for an account to be free; waiting in the queue costs nothing, waiting here an instance's time.
ACCOUNT_WAIT_SECONDS = 20.0
# The same, once another call for the image was paid for.
PAID_ACCOUNT_WAIT_SECONDS = 60.0
# For a connection, and for each piece of an answer.
CONNECTION_SECONDS, READ_SECONDS = 5.0, 30.0

# Requeueing after a transient error: exponential, with jitter (`BACKOFF_JITTER` times as long at most). A message waits
# about a third of the time that the trouble has lasted, so a backlog is gone soon after it ends (`make simulate`).
BACKOFF_FIRST_SECONDS, BACKOFF_FACTOR, BACKOFF_LONGEST_SECONDS = 10.0, 1.35, 900.0
BACKOFF_JITTER = 1.5
# Requeueing after a configuration error.
CONFIGURATION_RETRY_SECONDS = 900.0
# A role assignment takes up to 30 minutes to be in force everywhere:
# https://learn.microsoft.com/answers/questions/524792/azure-rbac-replication-latency
ACCESS_PROPAGATION = timedelta(minutes=30)

# A service that fails is called again after this, then after twice as long, and so on.
BREAKER_FIRST_SECONDS, BREAKER_LONGEST_SECONDS = 5.0, 75.0

# An event may take this long before its blob is looked up; Event Grid's own retries go on for longer.
EVENT_GRACE = timedelta(minutes=30)
# Without events: more than the clocks of an app and of Storage are apart, and than a listing may lag.
SCHEDULE_GRACE = timedelta(minutes=2)


def backoff_seconds(retries: int) -> float:
    """How long to wait before the next try after `retries` of them, without jitter."""
    # Exponents past the limit would overflow.
    return min(BACKOFF_LONGEST_SECONDS, BACKOFF_FIRST_SECONDS * BACKOFF_FACTOR ** min(retries, 50))
