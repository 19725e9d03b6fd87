"""The messages between a Functions host and its Python worker, as far as the worker library 1.3.0 touches them.

The library takes any object with the right attributes; these replace the generated FunctionRpc classes
(https://github.com/Azure/azure-functions-language-worker-protobuf), which no maintained package carries.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar


class _OneOf:
    _groups: ClassVar[dict[str, tuple[str, ...]]] = {}

    def WhichOneof(self, group: str) -> str | None:
        """As in protobuf: which field of a union is set."""
        return next((name for name in self._groups[group] if getattr(self, name) is not None), None)


@dataclass(slots=True)
class TypedData(_OneOf):
    string: str | None = None
    json: str | None = None
    bytes: Any = None
    http: Any = None
    int: Any = None
    double: float | None = None
    _groups: ClassVar[dict[str, tuple[str, ...]]] = {"data": ("string", "json", "bytes", "http", "int", "double")}


@dataclass(slots=True)
class ParameterBinding(_OneOf):
    name: str = ""
    data: TypedData | None = None
    _groups: ClassVar[dict[str, tuple[str, ...]]] = {"rpc_data": ("data",)}


@dataclass(slots=True)
class NullableValue:
    value: Any = None


# One class for all of them: only `value` is touched.
NullableString = NullableBool = NullableDouble = NullableTimestamp = NullableValue


@dataclass(slots=True)
class RpcHttp:
    method: str = ""
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: TypedData = field(default_factory=TypedData)
    params: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    status_code: str = ""
    cookies: list[Any] | None = None
    enable_content_negotiation: bool = False


class BindingInfo:
    inout = 2
    out = 1
    undefined = 0
    string = 1
    binary = 2
    stream = 3

    def __init__(self, type: Any = None, data_type: Any = None, direction: int = 0) -> None:
        self.type = type
        self.data_type = data_type
        self.direction = direction


setattr(BindingInfo, "in", 0)  # a keyword, so it cannot be written as an attribute


@dataclass
class RpcException:
    message: str = ""
    stack_trace: str = ""
    source: str = ""


@dataclass
class StatusResult:
    status: int = 0
    exception: RpcException | None = None
    Failure: ClassVar[int] = 0
    Success: ClassVar[int] = 1
    Cancelled: ClassVar[int] = 2


@dataclass
class RpcFunctionMetadata:
    name: str = ""
    function_id: str = ""
    directory: str = ""
    script_file: str = ""
    entry_point: str = ""
    language: str = ""
    is_proxy: bool = False
    managed_dependency_enabled: bool = False
    bindings: dict[str, Any] = field(default_factory=dict)
    raw_bindings: list[str] = field(default_factory=list)
    retry_options: Any = None
    properties: dict[str, str] = field(default_factory=dict)


@dataclass
class WorkerMetadata:
    runtime_name: str = ""
    runtime_version: str = ""
    worker_version: str = ""
    worker_bitness: str = ""
    custom_properties: dict[str, str] = field(default_factory=dict)


@dataclass
class WorkerInitResponse:
    capabilities: dict[str, str] = field(default_factory=dict)
    worker_metadata: Any = None
    result: StatusResult | None = None


@dataclass
class FunctionMetadataResponse:
    use_default_metadata_indexing: bool = False
    function_metadata_results: list[RpcFunctionMetadata] | None = None
    result: StatusResult | None = None


@dataclass
class FunctionLoadResponse:
    function_id: str = ""
    result: StatusResult | None = None


@dataclass(slots=True)
class InvocationResponse:
    invocation_id: str = ""
    return_value: TypedData | None = None
    result: StatusResult | None = None
    output_data: list[Any] = field(default_factory=list)
