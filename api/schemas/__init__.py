"""The bodies, queries and headers of the API as pydantic models: they validate requests and appear in the OpenAPI document."""
