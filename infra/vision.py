"""Vision: the account that analyses images."""

import pulumi
from pulumi_azure_native import cognitiveservices

from infra.foundation import Place
from infra.roles import Scope


class Vision(pulumi.ComponentResource):
    """An Azure AI Vision account that Entra identities only can call.

    Image Analysis 4.0 retires on 2028-09-25:
    https://learn.microsoft.com/azure/ai-services/computer-vision/migration-options
    """

    account: cognitiveservices.Account

    def __init__(self, name: str, *, place: Place, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("image-pipeline:vision:Vision", name, {}, opts)
        account_name = place.names.world("vision")
        self.account = cognitiveservices.Account(
            "vision-account",
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
        self.register_outputs({"endpoint": self.endpoint})

    @property
    def endpoint(self) -> pulumi.Output[str]:
        """The account's own URL, with a slash at its end."""
        return self.account.properties.apply(lambda properties: properties.endpoint)

    @property
    def scope(self) -> Scope:
        """The account: Azure offers nothing narrower for Vision."""
        return Scope(name="vision-account", id=self.account.id)
