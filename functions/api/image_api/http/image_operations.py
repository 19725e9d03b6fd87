"""The operations on single images: upload, record, content, deletion."""

import inspect
from typing import Annotated

from common.domain.models import Versioned
from common.domain.principal import AppRole
from common.domain.record import ImageRecord
from msgspec import Meta, Struct

from image_api.domain.blob_names import MAX_NAME_CHARACTERS
from image_api.domain.images import ImageContent, ImageDeletion, ImageInFlight
from image_api.domain.problems import ProblemType
from image_api.domain.uploads import Upload, UploadRequest
from image_api.http.operation import AnyOperation, Call, NoParameters, Operation, Reply, ReplyDescription
from image_api.use_cases.application import Application

# Seconds after which a client asks again for an image that is in flight.
_RETRY_AFTER_SECONDS = "2"


class ImagePath(Struct, frozen=True, kw_only=True):
    """The parameter of the paths of one image."""

    id: Annotated[str, Meta(description="Id of the image's record.", pattern="^[a-z2-7]{52}$")]


class ImageQuery(Struct, frozen=True, kw_only=True):
    """The parameters of the query for one image."""

    name: (
        Annotated[
            str,
            Meta(
                description="Name of the image, to tell an image in flight (202) from one that does not exist (404).",
                min_length=1,
                max_length=MAX_NAME_CHARACTERS,
            ),
        ]
        | None
    ) = None


async def _create_upload(application: Application, call: Call[NoParameters, NoParameters, UploadRequest]) -> Reply:
    upload = await application.uploads.create(call.body)
    return Reply(status=201, value=upload, headers={"Location": upload.status_url})


async def _get_image(application: Application, call: Call[ImagePath, ImageQuery, None]) -> Reply:
    image = await application.images.get(call.path.id, call.query.name)
    if not isinstance(image, Versioned):
        return Reply(status=202, value=image, headers={"Retry-After": _RETRY_AFTER_SECONDS})
    headers = {"ETag": image.etag, "Cache-Control": "private, no-cache"}
    if matches_etag(call.headers.get("if-none-match"), image.etag):
        return Reply(status=304, headers=headers)
    return Reply(status=200, value=image.value, headers=headers)


async def _get_image_content(application: Application, call: Call[ImagePath, NoParameters, None]) -> Reply:
    return Reply(status=200, value=await application.images.get_content(call.path.id))


async def _delete_image(application: Application, call: Call[ImagePath, NoParameters, None]) -> Reply:
    deletion = await application.images.delete(call.path.id, call.headers.get("authorization", ""))
    return Reply(status=202, value=deletion)


def matches_etag(condition: str | None, etag: str) -> bool:
    """Return whether the header If-None-Match names the ETag: https://www.rfc-editor.org/rfc/rfc9110#field.if-none-match."""
    if condition is None:
        return False
    values = [value.strip() for value in condition.split(",")]
    return "*" in values or etag in {value.removeprefix("W/") for value in values}


IMAGE_OPERATIONS: tuple[AnyOperation, ...] = (
    Operation(
        name="create_upload",
        method="POST",
        path="api/uploads",
        role=AppRole.IMAGES_UPLOAD,
        summary="Get the permission to upload an image.",
        description=inspect.getdoc(Upload) or "",
        path_type=NoParameters,
        query_type=NoParameters,
        body_type=UploadRequest,
        replies={
            201: ReplyDescription(
                description="The permission.",
                body=Upload,
                headers={"Location": "Path to read the record from, once the image is uploaded."},
            )
        },
        problems=(
            ProblemType.INVALID_NAME,
            ProblemType.NAME_TAKEN,
            ProblemType.BODY_TOO_LARGE,
            ProblemType.UNSUPPORTED_MEDIA_TYPE,
        ),
        handle=_create_upload,
    ),
    Operation(
        name="get_image",
        method="GET",
        path="api/images/{id}",
        role=AppRole.IMAGES_READ,
        summary="Read the record of an image.",
        description="The record has no embedding. With `If-None-Match`, an unchanged record is answered with 304.",
        path_type=ImagePath,
        query_type=ImageQuery,
        body_type=None,
        replies={
            200: ReplyDescription(
                description="The record.", body=ImageRecord, headers={"ETag": "Version of the record."}
            ),
            202: ReplyDescription(
                description="The image was uploaded, and has no record yet.",
                body=ImageInFlight,
                headers={"Retry-After": "Seconds after which to ask again."},
            ),
            304: ReplyDescription(
                description="The record is the one that the caller has.", headers={"ETag": "Version of the record."}
            ),
        },
        problems=(ProblemType.INVALID_NAME, ProblemType.NOT_FOUND),
        handle=_get_image,
    ),
    Operation(
        name="get_image_content",
        method="GET",
        path="api/images/{id}/content",
        role=AppRole.IMAGES_READ,
        summary="Get a URL that the file of an image can be read from.",
        description="The URL can be read by everybody who has it, until it expires after 15 minutes.",
        path_type=ImagePath,
        query_type=NoParameters,
        body_type=None,
        replies={200: ReplyDescription(description="The URL.", body=ImageContent)},
        problems=(ProblemType.NOT_FOUND,),
        handle=_get_image_content,
    ),
    Operation(
        name="delete_image",
        method="DELETE",
        path="api/images/{id}",
        role=AppRole.IMAGES_DELETE,
        summary="Delete an image.",
        description="The file is deleted at once, and the record when the pipeline has handled the event of that.",
        path_type=ImagePath,
        query_type=NoParameters,
        body_type=None,
        replies={202: ReplyDescription(description="The file is deleted.", body=ImageDeletion)},
        problems=(ProblemType.NOT_FOUND,),
        handle=_delete_image,
    ),
)
