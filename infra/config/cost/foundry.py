"""Usage of a vision model: tokens of prompts and answers; and of Content Understanding, which calls one."""

from collections.abc import Collection

from infra.config.cost.meters import CONTEXTUALIZATION_TOKENS, MODEL_TOKENS, READ_PAGES
from infra.config.cost.usage import Usage, exact
from infra.config.foundry_sizing import PROMPT_TOKENS_HIGH, PROMPT_TOKENS_LOW, model_features
from infra.core.analysis import Feature, FoundryModel

# Tokens of an answer with tags, caption and category: `low` without any reasoning, `high` with what a model spends on
# it at the effort "low". A page of text is up to 2,000 tokens more; most images have a few lines. The metrics
# inputTokens and outputTokens of the first images replace the guess.
_ANSWER_TOKENS_LOW = 150
_ANSWER_TOKENS_HIGH = 400
_TEXT_TOKENS_LOW = 0
_TEXT_TOKENS_HIGH = 300
# https://learn.microsoft.com/azure/ai-services/content-understanding/pricing-explainer#contextualization-tokens
_CONTEXTUALIZATION_TOKENS_PER_IMAGE = 1_000


def foundry_usage(model: FoundryModel, *, images: float, features: Collection[Feature]) -> list[Usage]:
    """Return the tokens that a model takes for the images of a month."""
    prompt, answer = MODEL_TOKENS[model.name, model.deployment_type]
    low = _ANSWER_TOKENS_LOW
    high = _ANSWER_TOKENS_HIGH
    if "read" in features:
        low += _TEXT_TOKENS_LOW
        high += _TEXT_TOKENS_HIGH
    return [
        Usage(meter=prompt, low=images * PROMPT_TOKENS_LOW, high=images * PROMPT_TOKENS_HIGH, purpose="images"),
        Usage(meter=answer, low=images * low, high=images * high, purpose=", ".join(sorted(features))),
    ]


def content_understanding_usage(model: FoundryModel, *, images: float, features: Collection[Feature]) -> list[Usage]:
    """Return what Content Understanding takes for the images of a month: a fee, the model's tokens, and pages of text.

    What it adds to a prompt is not documented: its tokens are those of a vision model that is called directly.
    """
    fee, *pages = content_understanding_fees(images=images, features=features)
    features_of_model = model_features("content-understanding", features)
    return [fee, *foundry_usage(model, images=images, features=features_of_model), *pages]


def content_understanding_fees(*, images: float, features: Collection[Feature]) -> list[Usage]:
    """Return what Content Understanding charges for images besides the tokens of the model."""
    fees = [exact(CONTEXTUALIZATION_TOKENS, images * _CONTEXTUALIZATION_TOKENS_PER_IMAGE, "images")]
    if "read" in features:
        fees.append(exact(READ_PAGES, images, "read"))
    return fees
