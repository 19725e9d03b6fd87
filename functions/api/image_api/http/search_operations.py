"""The operations on many images: lists and searches, counts, similar images."""

from typing import Annotated

from common.domain.principal import AppRole
from common.domain.queries import MAX_PAGE_SIZE
from msgspec import Meta, Struct

from image_api.domain.problems import ProblemType
from image_api.domain.search import CountQuery, Counts, ImageList, ListQuery, Statistics
from image_api.http.image_operations import ImagePath
from image_api.http.operation import AnyOperation, Call, NoParameters, Operation, Reply, ReplyDescription
from image_api.use_cases.application import Application


class SimilarQuery(Struct, frozen=True, kw_only=True):
    """The parameters of the query for similar images."""

    limit: Annotated[int, Meta(description="Number of images.", ge=1, le=MAX_PAGE_SIZE)] = 12


async def _list_images(application: Application, call: Call[NoParameters, ListQuery, None]) -> Reply:
    return Reply(status=200, value=await application.search.list_images(call.query))


async def _find_similar_images(application: Application, call: Call[ImagePath, SimilarQuery, None]) -> Reply:
    return Reply(status=200, value=await application.search.find_similar(call.path.id, call.query.limit))


async def _list_labels(application: Application, call: Call[NoParameters, CountQuery, None]) -> Reply:
    return Reply(status=200, value=await application.search.count_labels(call.query))


async def _list_categories(application: Application, call: Call[NoParameters, CountQuery, None]) -> Reply:
    return Reply(status=200, value=await application.search.count_categories(call.query))


async def _get_statistics(application: Application, call: Call[NoParameters, CountQuery, None]) -> Reply:
    return Reply(status=200, value=await application.search.get_statistics(call.query))


SEARCH_OPERATIONS: tuple[AnyOperation, ...] = (
    Operation(
        name="list_images",
        method="GET",
        path="api/images",
        role=AppRole.IMAGES_READ,
        summary="List or search images.",
        description="The newest first, or with `q` the most relevant. Each result of a search has the reasons for "
        "which it matches, and an image that does not fit is no result.",
        path_type=NoParameters,
        query_type=ListQuery,
        body_type=None,
        replies={200: ReplyDescription(description="A page of images.", body=ImageList)},
        problems=(ProblemType.QUERY_TOO_EXPENSIVE,),
        handle=_list_images,
    ),
    Operation(
        name="find_similar_images",
        method="GET",
        path="api/images/{id}/similar",
        role=AppRole.IMAGES_READ,
        summary="Find the images that are most similar to an image.",
        description="Needs embeddings, the feature `embeddings` of the pipeline.",
        path_type=ImagePath,
        query_type=SimilarQuery,
        body_type=None,
        replies={200: ReplyDescription(description="The images, the most similar first.", body=ImageList)},
        problems=(ProblemType.NOT_FOUND, ProblemType.EMBEDDINGS_OFF, ProblemType.QUERY_TOO_EXPENSIVE),
        handle=_find_similar_images,
    ),
    Operation(
        name="list_labels",
        method="GET",
        path="api/labels",
        role=AppRole.IMAGES_READ,
        summary="List the labels, with the number of images that have them.",
        description="",
        path_type=NoParameters,
        query_type=CountQuery,
        body_type=None,
        replies={200: ReplyDescription(description="The labels, most first.", body=Counts)},
        problems=(ProblemType.QUERY_TOO_EXPENSIVE,),
        handle=_list_labels,
    ),
    Operation(
        name="list_categories",
        method="GET",
        path="api/categories",
        role=AppRole.IMAGES_READ,
        summary="List the categories, with the number of images that have them.",
        description="",
        path_type=NoParameters,
        query_type=CountQuery,
        body_type=None,
        replies={200: ReplyDescription(description="The categories, most first.", body=Counts)},
        problems=(ProblemType.QUERY_TOO_EXPENSIVE,),
        handle=_list_categories,
    ),
    Operation(
        name="get_statistics",
        method="GET",
        path="api/stats",
        role=AppRole.IMAGES_READ,
        summary="Count the images, by status.",
        description="",
        path_type=NoParameters,
        query_type=CountQuery,
        body_type=None,
        replies={200: ReplyDescription(description="The counts.", body=Statistics)},
        problems=(ProblemType.QUERY_TOO_EXPENSIVE,),
        handle=_get_statistics,
    ),
)
