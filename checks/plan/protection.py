"""Resources that Pulumi refuses to delete or replace because they are protected, as its error messages name them.

A preview that fails for this reason may lack the steps of these resources. The texts are those of Pulumi 3.274:
https://github.com/pulumi/pulumi/blob/master/pkg/resource/deploy/step_generator.go and step.go beside it.
"""

import re
from collections.abc import Sequence

from checks.plan.preview import Diagnostic

_REFUSED_CHANGE = re.compile(
    r'unable to replace resource "(?P<replaced>[^"]+)".*?marked for protection'
    r'|resource "(?P<deleted>[^"]+)" cannot be deleted\s+because it is protected',
    re.DOTALL,
)


def refused_urns(errors: Sequence[Diagnostic]) -> list[str]:
    """Return the URNs of the protected resources that the errors name, each once."""
    matches = (match for error in errors for match in _REFUSED_CHANGE.finditer(error.message))
    return list(dict.fromkeys(match["replaced"] or match["deleted"] for match in matches))
