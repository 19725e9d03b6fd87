"""Vision: the accounts that analyse images."""

import pulumi
from pulumi_azure_native import cognitiveservices

from infra.foundation import Place
from infra.roles import Scope


class VisionPool(pulumi.ComponentResource):
    """Azure AI Vision accounts that Entra identities only can call; each answers about ten calls a second.

    An account's name comes from its number, so one more changes none of the others.
    Image Analysis 4.0 retires on 2028-09-25:
    https://learn.microsoft.com/azure/ai-services/computer-vision/migration-options
    """

    accounts: list[cognitiveservices.Account]

    def __init__(self, name: str, *, place: Place, count: int, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("image-pipeline:vision:VisionPool", name, {}, opts)
        self.accounts = [self._account(place, number) for number in range(1, count + 1)]
        self.register_outputs({"endpoints": self.endpoints})

    def _account(self, place: Place, number: int) -> cognitiveservices.Account:
        account_name = place.names.world(f"vision{number}")
        return cognitiveservices.Account(
            f"vision-account-{number}",
            account_name=account_name,
            resource_group_name=place.resource_group_name,
            location=place.location,
            kind="ComputerVision",
            sku=cognitiveservices.SkuArgs(name="S1"),
            properties=cognitiveservices.AccountPropertiesArgs(
                # Entra tokens are refused on the regional host names; the account needs one of its own.
                custom_sub_domain_name=account_name,
                disable_local_auth=True,
                public_network_access=cognitiveservices.PublicNetworkAccess.ENABLED,
            ),
            tags=place.tags,
            opts=pulumi.ResourceOptions(parent=self),
        )

    @property
    def endpoints(self) -> list[pulumi.Output[str]]:
        """The accounts' own URLs, each with a slash at its end, in the order of their numbers."""
        return [account.properties.apply(lambda properties: properties.endpoint) for account in self.accounts]

    @property
    def scopes(self) -> list[Scope]:
        """The accounts: Azure offers nothing narrower for Vision."""
        return [
            Scope(name=f"vision-account-{number}", id=account.id) for number, account in enumerate(self.accounts, 1)
        ]
