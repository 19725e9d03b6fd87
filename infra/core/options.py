"""Resource options that components share."""

import pulumi


def inherited_dependencies(opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions:
    """The `depends_on` of a component's options, to be merged into those of each child that needs it.

    Pulumi's Python SDK applies it to the component alone. The engine would then not know which children depend on
    what, and neither would the policy pack: https://github.com/pulumi/pulumi/issues/8721
    """
    return pulumi.ResourceOptions(depends_on=opts.depends_on if opts else None)
