"""Entry point of the policy pack: converts Pulumi's resources for the rules, and reports violations to Pulumi."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from pulumi_policy import (
    EnforcementLevel,
    Policy,
    PolicyPack,
    PolicyResource,
    ReportViolation,
    ResourceValidationArgs,
    ResourceValidationPolicy,
    StackValidationArgs,
    StackValidationPolicy,
)
from pulumi_policy.proxy import UnknownValueError

from policy.model import UNKNOWN, Resource, ResourceRule, StackRule
from policy.rules import RULES

_PROVIDER = "azure-native:"
# The providers of resources on Azure; the types of the first are known without its name.
_PROVIDERS = (_PROVIDER, "azuread:")


def _plain(value: Any) -> Any:
    """The value without Pulumi's proxies, which raise an error for values that are not known yet."""
    if isinstance(value, Mapping):
        mapping = cast("Mapping[str, Any]", value)
        return {key: _item(mapping, key) for key in mapping}
    if isinstance(value, Sequence) and not isinstance(value, str):
        items = cast("Sequence[Any]", value)
        return [_item(items, index) for index in range(len(items))]
    return value


def _item(container: Any, key: Any) -> Any:
    try:
        return _plain(container[key])
    except UnknownValueError:
        return UNKNOWN


def _convert(resource: PolicyResource) -> Resource:
    return Resource(
        urn=resource.urn,
        type=resource.resource_type.removeprefix(_PROVIDER),
        properties=_plain(resource.props),
        property_dependencies={
            name: frozenset(source.urn for source in origins)
            for name, origins in resource.property_dependencies.items()
        },
        dependencies=frozenset(source.urn for source in resource.dependencies),
        secret_outputs=frozenset(resource.opts.additional_secret_outputs),
    )


def _resource_policy(rule: ResourceRule) -> Policy:
    def validate(args: ResourceValidationArgs, report: ReportViolation) -> None:
        if args.resource_type.startswith(_PROVIDERS):
            type_ = args.resource_type.removeprefix(_PROVIDER)
            for sentence in rule.check(Resource(urn=args.urn, type=type_, properties=_plain(args.props))):
                report(sentence, args.urn)

    return ResourceValidationPolicy(rule.name, rule.description, validate)


def _stack_policy(rule: StackRule) -> Policy:
    def validate(args: StackValidationArgs, report: ReportViolation) -> None:
        for resource, sentence in rule.check([_convert(resource) for resource in args.resources]):
            report(sentence, resource.urn)

    return StackValidationPolicy(rule.name, rule.description, validate)


def _policies(rules: Iterable[ResourceRule | StackRule]) -> list[Policy]:
    return [_resource_policy(rule) if isinstance(rule, ResourceRule) else _stack_policy(rule) for rule in rules]


if __name__ == "__main__":
    PolicyPack("image-pipeline", _policies(RULES), enforcement_level=EnforcementLevel.MANDATORY)
