"""Vector search: the policies of a container whose records hold embeddings."""

from __future__ import annotations

from pulumi_azure_native import cosmosdb

# Vision's embeddings have 1,024 dimensions, and are compared by the cosine of their angle:
# https://learn.microsoft.com/azure/ai-services/computer-vision/concept-image-retrieval
_DIMENSIONS = 1024


def vector_index() -> cosmosdb.VectorIndexArgs:
    """The container's index for searches by nearness."""
    return cosmosdb.VectorIndexArgs(path="/vector", type=cosmosdb.VectorIndexType.DISK_ANN)


def embedding_policy() -> cosmosdb.VectorEmbeddingPolicyArgs:
    """Where the vectors of a record are, and how they are compared.

    https://learn.microsoft.com/azure/cosmos-db/nosql/vector-search
    """
    return cosmosdb.VectorEmbeddingPolicyArgs(
        vector_embeddings=[
            cosmosdb.VectorEmbeddingArgs(
                path="/vector",
                data_type=cosmosdb.VectorDataType.FLOAT32,
                dimensions=_DIMENSIONS,
                distance_function=cosmosdb.DistanceFunction.COSINE,
            )
        ]
    )
