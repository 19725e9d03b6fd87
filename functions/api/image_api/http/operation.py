"""The type of the API's operations: what each needs, answers, and does."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.domain.principal import AppRole, Principal
from msgspec import Struct

from image_api.domain.problems import ProblemType
from image_api.use_cases.application import Application


class NoParameters(Struct, frozen=True, kw_only=True):
    """The parameters of an operation that has none."""


@dataclass(frozen=True, kw_only=True)
class Call[Path, Query, Body]:
    """A request to an operation, checked and decoded.

    Attributes:
        caller: who sends it; None if the operation needs no role.
        path: parameters of the path.
        query: parameters of the query.
        body: the body; None if the operation has none.
        headers: by name in lower case.
    """

    caller: Principal | None
    path: Path
    query: Query
    body: Body
    headers: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Reply:
    """The result of an operation.

    Attributes:
        status: HTTP status.
        value: the value of the JSON body; None if there is no body.
        headers: further headers.
    """

    status: int
    value: Struct | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class ReplyDescription:
    """A response of an operation, as the OpenAPI document has it.

    Attributes:
        description: when it is answered.
        body: type of the body; None if there is none.
        headers: descriptions of further headers by name.
    """

    description: str
    body: type[Struct] | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class Operation[Path: Struct, Query: Struct, Body: Struct | None]:
    """An operation of the API: one method of one path.

    Attributes:
        name: the name of its function in the app; in camel case, its id in the OpenAPI document.
        method: GET, POST or DELETE.
        path: below the host name, such as `api/images/{id}`.
        role: the app role that callers need; None if it answers everybody.
        summary: a line about it.
        description: what a caller needs to know.
        path_type: type of the path's parameters.
        query_type: type of the query's parameters.
        body_type: type of the body; None if it has none.
        replies: responses by status.
        problems: types of problems, besides those that every operation may answer.
        handle: does it.
    """

    name: str
    method: str
    path: str
    role: AppRole | None
    summary: str
    description: str
    path_type: type[Path]
    query_type: type[Query]
    body_type: type[Body] | None
    replies: Mapping[int, ReplyDescription]
    problems: Sequence[ProblemType]
    handle: Callable[[Application, Call[Path, Query, Body]], Awaitable[Reply]]


type AnyOperation = Operation[Any, Any, Any]
