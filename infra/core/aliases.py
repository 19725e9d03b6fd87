"""Aliases: azure-native gives every resource one for each API version that its type ever had."""

from __future__ import annotations

import pulumi

_PROVIDER = "azure-native:"


def drop_version_aliases() -> None:
    """From here on, resources are registered without the types of older API versions as aliases.

    They would adopt what a program made under such a type, as this one never did; working them out takes a fifth of a
    preview's time (`benchmarks/preview.py`). Aliases that a program gives its resources itself stay.
    """
    pulumi.runtime.register_stack_transformation(_without_version_aliases)


def _without_version_aliases(args: pulumi.ResourceTransformationArgs) -> pulumi.ResourceTransformationResult | None:
    aliases = args.opts.aliases
    if not isinstance(aliases, list) or not args.type_.startswith(_PROVIDER):
        return None
    args.opts.aliases = [alias for alias in aliases if not _is_of_a_version(alias)]
    return pulumi.ResourceTransformationResult(props=args.props, opts=args.opts)


def _is_of_a_version(alias: object) -> bool:
    return isinstance(alias, pulumi.Alias) and isinstance(alias.type_, str) and alias.type_.startswith(_PROVIDER)
