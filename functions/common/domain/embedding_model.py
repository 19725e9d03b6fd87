"""The model of the embeddings. Vectors of two models cannot be compared, so both apps request the same one.

https://learn.microsoft.com/azure/ai-services/computer-vision/how-to/image-retrieval
"""

API_VERSION = "2024-02-01"
MODEL_VERSION = "2023-04-15"
REQUEST_PARAMETERS = {"api-version": API_VERSION, "model-version": MODEL_VERSION}
