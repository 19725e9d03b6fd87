"""The triggers and bindings that the host knows without an extension bundle."""

from collections.abc import Sequence
from typing import Any

from emulator.services.functions.configuration import ConfigurationError

# WebJobsCoreScriptBindingProvider.cs and CoreExtensionsScriptBindingProvider.cs in Azure/azure-functions-host;
# https://learn.microsoft.com/azure/azure-functions/functions-bindings-register
_BUILT_IN = frozenset({"http", "httpTrigger", "timerTrigger"})


def check_bindings(functions: Sequence[dict[str, Any]], *, has_extension_bundle: bool) -> None:
    """Check that the host has every trigger and binding of an app's functions.

    Azure's host logs this error for each such function, does not run it, and runs the others; Azure lists the function
    all the same, and the deployment counts as successful (FunctionDescriptorProvider.cs, ScriptHost.cs and
    FunctionsSyncManager.cs in Azure/azure-functions-host). The emulated host refuses the app, so that the deployment
    fails.

    Args:
        functions: The functions with their bindings, as the worker has indexed them.
        has_extension_bundle: Whether host.json declares one.

    Raises:
        ConfigurationError: The host does not have all of them.
    """
    if has_extension_bundle:
        return
    errors: list[str] = []
    for function in functions:
        missing = sorted({binding["type"] for binding in function["bindings"]} - _BUILT_IN)
        if missing:
            errors.append(
                f"{function['name']}: The binding type(s) '{', '.join(missing)}' are not registered. "
                "Please ensure the type is correct and the binding extension is installed."
            )
    if errors:
        raise ConfigurationError(
            " ".join(errors) + " Without an extension bundle there are HTTP and timer triggers only: add "
            '"extensionBundle": {"id": "Microsoft.Azure.Functions.ExtensionBundle", "version": "[4.*, 5.0.0)"} '
            "to host.json."
        )
