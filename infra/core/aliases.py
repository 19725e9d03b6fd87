"""Aliases of azure-native resources: one for each API version that a resource type has ever had."""

from __future__ import annotations

import pulumi

_PROVIDER = "azure-native:"


def drop_version_aliases() -> None:
    """Register all later resources without the types of older API versions as aliases.

    Such an alias adopts a resource that was created under the older type, and this program never created one. Computing
    them takes a fifth of a preview's time (`benchmarks/preview.py`). Aliases that a program sets itself stay.
    """
    pulumi.runtime.register_stack_transformation(_without_version_aliases)


def _without_version_aliases(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    aliases = args.opts.aliases
    if not isinstance(aliases, list) or not args.type_.startswith(_PROVIDER):
        return None
    args.opts.aliases = [alias for alias in aliases if not _is_version_alias(alias)]
    return pulumi.ResourceTransformationResult(props=args.props, opts=args.opts)


def _is_version_alias(alias: object) -> bool:
    return isinstance(alias, pulumi.Alias) and isinstance(alias.type_, str) and alias.type_.startswith(_PROVIDER)
