"""Settings of resilience: what survives a mistake, or the loss of an availability zone."""

from pydantic import Field

from infra.config.stack_config import StackConfig


class ResilienceSettings(StackConfig):
    """The settings of resilience; `infra.Settings` has them all."""

    protect_data: bool = Field(
        default=False,
        description="Protect data: Pulumi does not delete it, soft delete and continuous backup are on.",
    )
    zone_redundant: bool = Field(
        default=False,
        description=(
            "Spread storage and the function app over availability zones; to be chosen before the first"
            " deployment. The plan then has two always-ready instances for each of its three function groups, about"
            " 120 dollars a month; with a shadow it has four."
        ),
    )
    cosmos_zone_redundant: bool = Field(
        default=False,
        description=(
            "Spread Cosmos DB over availability zones; to be chosen before the first deployment. Azure refuses it"
            " where it lacks zonal capacity (aka.ms/cosmosdbquota)."
        ),
    )
