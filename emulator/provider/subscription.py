"""Terms of the subscription: Azure AI Vision requires that the Responsible AI terms are accepted."""

from emulator.core.faults import Faults, FaultsError
from emulator.core.resource_store import Properties
from emulator.provider.errors import DeploymentError
from schemas.azure_native.resource_type import ResourceType


def check_terms(resource_type: ResourceType, inputs: Properties, faults: Faults | None) -> None:
    """Raise DeploymentError for a Vision account while the fault `termsNotAccepted` is on, or the faults not valid.

    https://github.com/hashicorp/terraform-provider-azurerm/issues/23580
    """
    is_vision = resource_type.type == "azure-native:cognitiveservices:Account" and inputs["kind"] == "ComputerVision"
    if not is_vision or faults is None:
        return
    try:
        fails = faults.should_fail("termsNotAccepted")
    except FaultsError as error:
        raise DeploymentError(f"the faults file of the emulator is not valid: {error}") from error
    if fails:
        raise DeploymentError(
            "ResourceKindRequireAcceptTerms: This subscription cannot create ComputerVision until you agree to"
            " Responsible AI terms for this resource. You can agree to Responsible AI terms by creating a resource"
            " through the Azure Portal then trying again. For more detail go to"
            " https://go.microsoft.com/fwlink/?linkid=2164911"
        )
