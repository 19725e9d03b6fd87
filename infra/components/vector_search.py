"""Vector search: policies of a Cosmos DB container whose records hold embeddings."""

from __future__ import annotations

from pulumi_azure_native import cosmosdb

# Vision's embeddings have 1,024 dimensions, and are compared by cosine similarity:
# https://learn.microsoft.com/azure/ai-services/computer-vision/concept-image-retrieval
_DIMENSIONS = 1024


def vector_index() -> cosmosdb.VectorIndexArgs:
    """The container's index for vector searches."""
    return cosmosdb.VectorIndexArgs(path="/vector", type=cosmosdb.VectorIndexType.DISK_ANN)


def embedding_policy() -> cosmosdb.VectorEmbeddingPolicyArgs:
    """Path, type, dimensions and distance function of a record's vector.

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
