"""Which app settings of a function app change.

All of them are one secret input, because one of them is (`infra/components/function_app.py` has the reason). The
component of the app registers them by name as its outputs, where only the secret one is a secret.
"""

from collections.abc import Sequence

import msgspec

from checks.plan.event_log import Outputs
from checks.plan.properties import SECRET, PropertyChange, compare, is_secret

_INPUT = "siteConfig.appSettings"
_OUTPUT = "appSettings"
# A secret is the same text before and after.
MAY_DIFFER = "(secret; may differ)"


def expand_app_settings(properties: Sequence[PropertyChange], outputs: Outputs) -> list[PropertyChange]:
    """Return the properties with one for each app setting that changes, if all of them are one secret.

    Args:
        properties: The changed properties of a resource.
        outputs: The outputs of its component; without app settings, the properties are returned as they are.
    """
    before = outputs.before.get(_OUTPUT)
    after = outputs.after.get(_OUTPUT)
    expanded: list[PropertyChange] = []
    for item in properties:
        if item.path == _INPUT and item.after == SECRET and isinstance(before, dict) and isinstance(after, dict):
            changes = compare({_OUTPUT: before}, {_OUTPUT: after}, changed=(), forcing=())
            changes += [
                PropertyChange(path=f"{_OUTPUT}.{name}", before=SECRET, after=MAY_DIFFER)
                for name, value in sorted(after.items())
                if is_secret(value) and is_secret(before.get(name))
            ]
            expanded += [
                msgspec.structs.replace(
                    change, path=f"siteConfig.{change.path}", forces_replacement=item.forces_replacement
                )
                for change in changes
            ]
        else:
            expanded.append(item)
    return expanded
