"""The API as HTTP: operations, requests, responses, and the OpenAPI document."""
