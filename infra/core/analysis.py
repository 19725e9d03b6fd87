"""Features and backends of image analysis, as settings name them."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, get_args

# Visual features of Image Analysis 4.0, all answered by one call:
# https://learn.microsoft.com/azure/ai-services/computer-vision/overview-image-analysis#image-analysis-features
VisualFeature = Literal["tags", "objects", "people", "read", "smartCrops", "caption", "denseCaptions"]
# `safety` (Image Analysis 3.2, adult content) and `embeddings` (multimodal embeddings) are one more call each.
Feature = Literal[VisualFeature, "safety", "embeddings"]
AnalyzerName = Literal["image-analysis", "custom-vision", "foundry-vision", "content-understanding"]
# Those that remain when the others retire; one of them can run in the shadow of another analyzer.
SuccessorName = Literal["foundry-vision", "content-understanding"]
# Those whose accounts the program creates, and can keep for a rollback.
RetainableName = Literal["image-analysis", "foundry-vision", "content-understanding"]
DeploymentType = Literal["GlobalStandard", "DataZoneStandard"]

VISUAL_FEATURES: tuple[VisualFeature, ...] = get_args(VisualFeature)
FEATURES: tuple[Feature, ...] = get_args(Feature)
CAPTION_FEATURES: frozenset[Feature] = frozenset({"caption", "denseCaptions"})
ANALYZERS: tuple[AnalyzerName, ...] = get_args(AnalyzerName)
SUCCESSORS: tuple[SuccessorName, ...] = get_args(SuccessorName)
RETAINABLE_ANALYZERS: tuple[RetainableName, ...] = get_args(RetainableName)
DEPLOYMENT_TYPES: tuple[DeploymentType, ...] = get_args(DeploymentType)
# The analyzers that deploy a model of Microsoft Foundry, and what those can answer: no positions, no confidences.
FOUNDRY_ANALYZERS: tuple[AnalyzerName, ...] = ("foundry-vision", "content-understanding")
FOUNDRY_FEATURES: tuple[Feature, ...] = ("tags", "caption", "read")


@dataclass(frozen=True, kw_only=True)
class CustomVisionProject:
    """An existing Custom Vision project with a published iteration.

    Attributes:
        account_id: ARM id of the prediction account.
        endpoint: The account's own URL.
        project_id: The project's id.
        iteration: Name under which the iteration is published.
        task: `multiclass`, `multilabel` or `detection`.
    """

    account_id: str
    endpoint: str
    project_id: str
    iteration: str
    task: str


@dataclass(frozen=True, kw_only=True)
class FoundryModel:
    """A vision model of Microsoft Foundry, and how it is deployed.

    Attributes:
        name: Name of the model.
        version: Its version.
        deployment_type: Where prompts are processed: in any region of Azure, or in the regions of a data zone:
            https://learn.microsoft.com/azure/foundry/foundry-models/concepts/deployment-types
        capacity_ktpm: Thousands of tokens per minute; None: from the images per month.
        location: Azure region of the account; None: that of the stack.
    """

    name: str = "gpt-5.4-mini"
    version: str = "2026-03-17"
    deployment_type: DeploymentType = "DataZoneStandard"
    capacity_ktpm: int | None = None
    location: str | None = None


@dataclass(frozen=True, kw_only=True)
class Shadow:
    """A successor that analyzes a sample of the images beside the analyzer.

    Attributes:
        analyzer: The successor.
        percent: Share of the images, by the hash of their content.
    """

    analyzer: SuccessorName
    percent: float


@dataclass(frozen=True, kw_only=True)
class AgreementFloors:
    """What `make agreement` requires of a successor; a percentage of 0, or of 100 for errors, requires nothing.

    Attributes:
        min_images: Images that have to be compared.
        min_label_percent: Mean agreement of the labels.
        min_category_percent: Share of the images with the same category.
        min_caption_percent: Mean agreement of the captions.
        max_text_error_percent: Mean error rate of the text that was read.
    """

    min_images: int = 500
    min_label_percent: int = 0
    min_category_percent: int = 0
    min_caption_percent: int = 0
    max_text_error_percent: int = 100


def successor_features(features: Collection[Feature]) -> tuple[Feature, ...]:
    """The features that a successor can analyze, in their order."""
    return tuple(feature for feature in features if feature in FOUNDRY_FEATURES)
