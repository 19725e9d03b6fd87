"""Content Understanding: accounts of Foundry in which the stack's analyzer is defined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pulumi
from pulumi_azure_native import authorization

from infra.components.analyzer_definition import AnalyzerDefinition, create_definition
from infra.components.analyzers import Analyzer
from infra.components.foundry import FoundryAccount
from infra.components.role_assignments import RoleAssignments
from infra.core.analysis import Feature, FoundryModel
from infra.core.context import DeploymentContext, DirectoryPrincipal, Principal
from infra.core.rbac import BuiltInRole
from infra.dynamic.content_analyzer import ContentAnalyzerDefinition
from infra.dynamic.role_assignment_delay import RoleAssignmentDelay


@dataclass(frozen=True, kw_only=True)
class ContentUnderstandingAnalyzer(Analyzer):
    """Content Understanding as an analyzer, with what its definition needs.

    Attributes:
        accounts: The accounts, each with one deployment of the model.
        definition: The stack's analyzer, which `ContentAnalyzers` defines in each account.
    """

    accounts: Sequence[FoundryAccount]
    definition: AnalyzerDefinition


def create_content_understanding(
    name: str,
    *,
    context: DeploymentContext,
    model: FoundryModel,
    features: Sequence[Feature],
    categories: Sequence[str],
    language: str,
    account_count: int,
    capacity_ktpm: int,
    calls_per_second: float,
    operations_per_second: float,
    maximum_instances: int,
) -> ContentUnderstandingAnalyzer:
    """Create `account_count` Foundry accounts with one model each, and return them as an analyzer.

    Args:
        name: Logical name.
        context: Where the accounts are deployed, unless the model has a region of its own.
        model: The model and its deployment.
        features: What the analyzer looks for.
        categories: Categories of which one is chosen for each image; none without.
        language: Language of tags and captions.
        account_count: Number of accounts.
        capacity_ktpm: Thousands of tokens per minute of each deployment.
        calls_per_second: Analyses that one account may start in a second.
        operations_per_second: Requests that one account accepts in a second.
        maximum_instances: Instances of the function app that share the limits.
    """
    definition = create_definition(model=model, features=features, categories=categories, language=language)
    accounts = [
        FoundryAccount(
            f"{name}-{number}",
            context=context,
            location=model.location,
            models=[model],
            capacities_ktpm=[capacity_ktpm],
            account_label=f"content{number}",
        )
        for number in range(1, account_count + 1)
    ]
    return ContentUnderstandingAnalyzer(
        name="content-understanding",
        options={
            "endpoints": [account.content_understanding_endpoint for account in accounts],
            "analyzerId": definition.analyzer_id,
            "model": f"{model.name} {model.version}",
            "categories": [*categories],
            "callsPerSecond": calls_per_second,
            "operationsPerSecond": operations_per_second,
            "instances": maximum_instances,
        },
        built_in_role=BuiltInRole.CONTENT_UNDERSTANDING_READER,
        scopes=[account.scope for account in accounts],
        private_link_targets=[target for account in accounts for target in account.private_link_targets],
        diagnostic_targets=[target for account in accounts for target in account.diagnostic_targets],
        accounts=accounts,
        definition=definition,
    )


class ContentAnalyzers(pulumi.ComponentResource):
    """The stack's analyzer, defined in each account as soon as the deployer may do so.

    Args:
        name: Logical name.
        context: Where the accounts are deployed.
        analyzer: The accounts, and the definition.
        deployer: The identity that runs `pulumi up`; None: the one that is signed in.
        propagation_seconds: How long to wait for the deployer's role assignments.
        prerequisites: What the deployer reaches the accounts by, such as private endpoints.
    """

    # One for each account.
    definitions: list[ContentAnalyzerDefinition]

    def __init__(
        self,
        name: str,
        *,
        context: DeploymentContext,
        analyzer: ContentUnderstandingAnalyzer,
        deployer: DirectoryPrincipal | None,
        propagation_seconds: int,
        prerequisites: Sequence[pulumi.Resource] = (),
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        super().__init__("image-pipeline:index:ContentAnalyzers", name, {}, opts)
        child = pulumi.ResourceOptions(parent=self)
        access = RoleAssignments(f"{name}-access", context=context, principal=_deployer(deployer), opts=child)
        for account in analyzer.accounts:
            access.assign(BuiltInRole.CONTENT_UNDERSTANDING_OWNER, account.scope)
        delay = RoleAssignmentDelay(
            f"{name}-delay", role_assignments=access.assignments, seconds=propagation_seconds, opts=child
        )
        self.definitions = []
        for account in analyzer.accounts:
            (deployment,) = account.deployments
            definition = ContentAnalyzerDefinition(
                f"{name}-in-{account.scope.name}",
                endpoint=account.content_understanding_endpoint,
                analyzer_id=analyzer.definition.analyzer_id,
                definition=analyzer.definition.content,
                deployments={analyzer.definition.model: deployment.name},
                opts=pulumi.ResourceOptions(parent=self, depends_on=[delay, deployment, *prerequisites]),
            )
            self.definitions.append(definition)
        self.register_outputs({"analyzerId": analyzer.definition.analyzer_id})


def _deployer(deployer: DirectoryPrincipal | None) -> Principal:
    """The deployer, under a name with its object id: another deployer gets an assignment of its own."""
    if deployer is None:
        object_id = authorization.get_client_config().object_id
        return Principal(name=f"deployer-{object_id}", object_id=object_id, principal_type=None)
    return Principal(
        name=f"deployer-{deployer.object_id}",
        object_id=deployer.object_id,
        principal_type=authorization.PrincipalType(deployer.principal_type),
    )
