"""Errors of the infrastructure program; the text of each says what is wrong and what to do.

    InfrastructureError
    ├── SettingsError            the stack's configuration is wrong; also a pulumi.RunError
    ├── SizingError              the workload is larger than one deployment can serve
    ├── PriceListError           the price list is wrong, or lacks a meter; also a pulumi.RunError
    ├── DeploymentPackageError   the deployment package cannot be built; also a pulumi.RunError
    ├── CodeDeploymentError      the package is not deployed, or its functions are not registered
    ├── AccountPurgeError        a soft-deleted account still holds the name of a new one
    ├── ContentAnalyzerError     an analyzer of Content Understanding is not defined
    └── SubnetReleaseError       Azure has not released the function app's subnet

Pulumi shows the text of a RunError alone, without a stack trace. The last four are raised by dynamic providers, whose
errors the engine shows as text.
"""

import pulumi


class InfrastructureError(Exception):
    """Base of all errors that this package raises on purpose."""


class SettingsError(InfrastructureError, pulumi.RunError):
    """Every setting that is wrong, one line each: its key, its value and what is allowed."""


class SizingError(InfrastructureError):
    """The workload needs more than the limits of one deployment; the text names the limits."""


class PriceListError(InfrastructureError, pulumi.RunError):
    """The price list is wrong, or lacks a meter; the text names the row or the meter."""


class DeploymentPackageError(InfrastructureError, pulumi.RunError):
    """The deployment package cannot be built; the text gives the reason."""


class CodeDeploymentError(InfrastructureError):
    """The package is not deployed, or its functions are not registered; the text gives the reason and a remedy."""


class AccountPurgeError(InfrastructureError):
    """A soft-deleted account holds the name of a new one and cannot be purged; the text gives a remedy."""


class ContentAnalyzerError(InfrastructureError):
    """An analyzer of Content Understanding is not defined; the text gives the reason and a remedy."""


class SubnetReleaseError(InfrastructureError):
    """The subnet is still in use, or cannot be read; the text names what uses it, and a remedy."""
