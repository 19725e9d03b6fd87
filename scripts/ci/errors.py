"""The one exception of the pipelines' programs."""


class PipelineStepError(Exception):
    """A step cannot go on; the message says what is missing or wrong."""
