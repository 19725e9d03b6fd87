"""The body of a query: its text and its parameters."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

import msgspec

from emulator.services.cosmos.items.errors import CosmosError, backend_error, bad_request, not_implemented
from emulator.services.cosmos.sql import tree
from emulator.services.cosmos.sql.errors import InvalidQueryError, QueryError

_NAME = re.compile(r"@\w[\w-]*")
_INVALID_BODY = "The request payload is invalid. Ensure to provide a valid request payload."


class _Parameter(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    value: Any = msgspec.UNSET


class _Body(msgspec.Struct, frozen=True, kw_only=True):
    query: str
    parameters: tuple[_Parameter, ...] | None = ()


class QueryText(msgspec.Struct, frozen=True, kw_only=True):
    """A query as a client sends it. A parameter without a value is not in `parameters`: it is undefined."""

    text: str
    parameters: dict[str, Any]

    @property
    def identity(self) -> str:
        """A text that tells this query from all others."""
        return f"{self.text}\0{msgspec.json.encode(self.parameters, order='sorted').decode()}"


def read_query(body: bytes) -> QueryText:
    """The query in the body of a request. Raises CosmosError 400."""
    try:
        content = msgspec.json.decode(body, type=_Body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise backend_error(_INVALID_BODY) from error
    parameters: dict[str, Any] = {}
    names: set[str] = set()
    for parameter in content.parameters or ():
        if _NAME.fullmatch(parameter.name) is None:
            raise backend_error("Parameter names should be in the format of symbol '@' followed by a valid identifier.")
        if parameter.name in names:
            raise backend_error(f"Specified duplicate parameter name '{parameter.name}'.")
        names.add(parameter.name)
        if parameter.value is not msgspec.UNSET:
            parameters[parameter.name] = parameter.value
    return QueryText(text=content.query, parameters=parameters)


def with_weights(query: tree.Query, parameters: Mapping[str, Any]) -> tree.Query:
    """The query with the array of weights that a parameter of `RRF(scores…, @weights)` is.

    `azure-cosmos` tests this with Azure: test_weighted_rrf_hybrid_search_with_params_and_response_hook.
    """
    if query.order_by is None or not query.order_by.rank:
        return query
    item, *others = query.order_by.items
    call = item.expression
    if not isinstance(call, tree.FunctionCall) or call.name.upper() != "RRF":
        return query
    *scores, weights = call.arguments
    values = parameters.get(weights.name) if isinstance(weights, tree.Parameter) else None
    if not isinstance(values, list):
        return query
    array = tree.ArrayCreation(tuple(map(tree.Constant, cast("list[Any]", values))))
    fused = replace(item, expression=replace(call, arguments=(*scores, array)))
    return replace(query, order_by=replace(query.order_by, items=(fused, *others)))


def query_error(error: QueryError) -> CosmosError:
    """The response to a query that the language refuses."""
    if isinstance(error, InvalidQueryError):
        return bad_request(f"Message: {error.response_message()}")
    return not_implemented(f"the query: {error}")
