"""What a subscription has agreed to: Azure AI Vision wants the Responsible AI terms to be accepted first."""

from emulator.core.faults import Faults
from emulator.core.resource_store import Properties
from emulator.provider.errors import Refusal
from schemas.azure_native.resource_type import Kind


def check_terms(kind: Kind, inputs: Properties, faults: Faults | None) -> None:
    """Raises Refusal for a Vision account while the fault `termsNotAccepted` is on.

    https://github.com/hashicorp/terraform-provider-azurerm/issues/23580
    """
    vision = kind.type == "azure-native:cognitiveservices:Account" and inputs["kind"] == "ComputerVision"
    if vision and faults is not None and faults.strikes("termsNotAccepted"):
        raise Refusal(
            "ResourceKindRequireAcceptTerms: This subscription cannot create ComputerVision until you agree to"
            " Responsible AI terms for this resource. You can agree to Responsible AI terms by creating a resource"
            " through the Azure Portal then trying again. For more detail go to"
            " https://go.microsoft.com/fwlink/?linkid=2164911"
        )
