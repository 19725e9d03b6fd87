"""The operations that everybody may call: the configuration of clients. The OpenAPI document is a response of `api`."""

from image_api.domain.configuration import ClientConfiguration
from image_api.http.operation import AnyOperation, Call, NoParameters, Operation, Reply, ReplyDescription
from image_api.use_cases.application import Application


async def _get_configuration(application: Application, _call: Call[NoParameters, NoParameters, None]) -> Reply:
    return Reply(status=200, value=application.configuration, headers={"Cache-Control": "public, max-age=300"})


SERVICE_OPERATIONS: tuple[AnyOperation, ...] = (
    Operation(
        name="get_configuration",
        method="GET",
        path="api/configuration",
        role=None,
        summary="Get what a client needs to know to sign in and to upload.",
        description="Nothing in it is secret.",
        path_type=NoParameters,
        query_type=NoParameters,
        body_type=None,
        replies={200: ReplyDescription(description="The configuration.", body=ClientConfiguration)},
        problems=(),
        handle=_get_configuration,
    ),
)
