"""Writes the OpenAPI 3.1 document from the declared operations and the pydantic models that validate their requests."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from api.contract import JSON, Operation, Resource, operations_of
from api.examples import example_of
from api.paths import SNAPSHOT
from api.problem_types import PROBLEMS
from api.problems import MEDIA_TYPE, describe
from api.schemas.automation import AUTOMATION_PATHS
from api.schemas.fields import ANALYSIS_ID, KEY_ID, NAME
from api.schemas.labels import BATCH_ID
from api.schemas.operations import ProblemBody
from api.schemas.webhooks import WebhookMessage
from crew import __version__
from crew.domain.document import DOCUMENT_ID
from crew.domain.evidence import EVIDENCE_ID
from crew.domain.webhooks import ENDPOINT_EVENTS, TEST_EVENT

_REF = "#/components/schemas/{model}"
_PATH_SCHEMAS: Mapping[str, dict[str, Any]] = {
    "analysis_id": {"type": "string", "pattern": f"^{ANALYSIS_ID}$", "examples": ["an_aghk4lnbpj7rhfabk5gvk43pku"]},
    "batch_id": {"type": "string", "pattern": f"^{BATCH_ID}$", "examples": ["ba_aghk4lnbpj7rhfabk5gvk43pku"]},
    "evidence_id": {"type": "string", "pattern": f"^{EVIDENCE_ID}$", "maxLength": 120, "examples": ["price.change_1d"]},
    "key_id": {"type": "string", "pattern": f"^{KEY_ID}$", "examples": ["key_aghk4lnbpj7rhfabk5gvk43pku"]},
    "document_id": {"type": "string", "pattern": f"^{DOCUMENT_ID}$", "examples": ["do_aghk4lnbpj7rhfabk5gvk43pku"]},
    "name": {"type": "string", "pattern": f"^{NAME}$", "examples": ["researcher"]},
    "code": {"type": "string", "pattern": "^[a-z_]{1,60}$", "examples": ["report_not_ready"]},
    **AUTOMATION_PATHS,
}
_EVERYWHERE = ("internal_error", "store_unavailable", "rate_limited")
_KEYED = ("unauthorized", "forbidden")

Keyed = tuple[type[BaseModel], JsonSchemaMode]
References = Mapping[Any, dict[str, Any]]

_TEXTS: Mapping[str, str] = {
    "text/plain": "Orders rose in every region.",
    "text/markdown": "# Call of 12 March\n\nOrders rose in every region.",
    "text/html": "<h1>Call of 12 March</h1><p>Orders rose in every region.</p>",
}


def document(resources: Sequence[Resource]) -> dict[str, Any]:
    """The OpenAPI document of `resources` as JSON values."""
    operations = list(operations_of(resources))
    references, definitions = models_json_schema(sorted(_models(operations), key=lambda pair: (pair[0].__name__, pair[1])), ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.template, {})[operation.method.lower()] = _operation(operation, references)
    _add_examples(paths, definitions.get("$defs", {}))
    return {
        "openapi": "3.1.0",
        "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
        "info": {
            "title": "StockCrew",
            "version": __version__,
            "summary": "Turns a ticker into an equity research report whose every figure unfolds to its source.",
            "description": "Post a ticker, follow the events, read the report. Every error is a problem (RFC 9457) whose `type` explains it.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": resource.tag, "description": resource.description} for resource in resources],
        "paths": paths,
        "webhooks": {event: _webhook(event, references) for event in (*ENDPOINT_EVENTS, TEST_EVENT)},
        "components": {
            "schemas": definitions.get("$defs", {}),
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": "An API key. Not needed when STOCKCREW_ENV=local."}},
        },
    }


def _add_examples(paths: dict[str, dict[str, Any]], definitions: Mapping[str, Any]) -> None:
    """Give every JSON body that has no example of its own one that its schema accepts."""
    for operation in (operation for methods in paths.values() for operation in methods.values()):
        for holder in (operation.get("requestBody", {}), *operation["responses"].values()):
            content = holder.get("content", {}).get(JSON)
            if content is not None and not {"example", "examples"} & set(content):
                content["example"] = example_of(content["schema"], definitions)


def _webhook(event: str, references: References) -> dict[str, Any]:
    content = {JSON: {"schema": references[WebhookMessage, "serialization"]}}
    return {
        "post": {
            "summary": f"Sent to endpoints that want `{event}`",
            "requestBody": {"required": True, "content": content},
            "responses": {"2XX": {"description": "Delivered"}, "410": {"description": "Nobody is here any more: the endpoint is disabled"}},
        }
    }


def _models(operations: Iterable[Operation]) -> set[Keyed]:
    found: set[Keyed] = {(ProblemBody, "serialization"), (WebhookMessage, "serialization")}
    for operation in operations:
        if operation.body is not None:
            found.add((operation.body, "validation"))
        found |= {(answer.model, "serialization") for answer in operation.answers.values() if answer.model is not None}
        if operation.error_model is not None:
            found.add((operation.error_model, "serialization"))
    return found


def _operation(operation: Operation, references: References) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "description": operation.description,
        "parameters": [*_path_parameters(operation), *_parameters(operation.query, "query"), *_parameters(operation.headers, "header")],
        "responses": {**_answers(operation, references), **_problems(operation, references)},
        "security": [] if operation.scope == "public" else [{"bearer": []}, {}],
    }
    if operation.scope != "public":
        described["x-scope"] = operation.scope
    if operation.deprecation is not None:
        described["deprecated"] = True
    if operation.body is not None:
        content: dict[str, Any] = {"schema": references[operation.body, "validation"]}
        if operation.body_example is not None:
            content["example"] = operation.body_example
        described["requestBody"] = {"required": not operation.body_optional, "content": dict.fromkeys(operation.body_types, content)}
    if operation.files:
        described["requestBody"] = {"required": True, "content": {media_type: _file(media_type) for media_type in operation.files}}
    return described


def _file(media_type: str) -> dict[str, Any]:
    """A text has at least one visible character; of anything else the media type says all there is to say."""
    if media_type in _TEXTS:
        return {"schema": {"type": "string", "pattern": r"\S"}, "example": _TEXTS[media_type]}
    return {"schema": {"contentMediaType": media_type}}


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [{"name": name, "in": "path", "required": True, "schema": _PATH_SCHEMAS[name]} for name in operation.path_parameters]


def _parameters(model: type[BaseModel] | None, place: str) -> list[dict[str, Any]]:
    if model is None:
        return []
    schema = model.model_json_schema()
    required = schema.get("required", [])
    return [
        {"name": name, "in": place, "required": name in required, "description": spec.pop("description", ""), "schema": _not_null(spec)}
        for name, spec in schema.get("properties", {}).items()
    ]


def _not_null(spec: dict[str, Any]) -> dict[str, Any]:
    """A parameter is absent or has a value: null can be neither written in a query nor in a header."""
    kinds = [kind for kind in spec.pop("anyOf", []) if kind.get("type") != "null"]
    merged = {name: value for name, value in spec.items() if not (name == "default" and value is None)}
    return {**merged, **(kinds[0] if len(kinds) == 1 else {"anyOf": kinds} if kinds else {})}


def _answers(operation: Operation, references: References) -> dict[str, Any]:
    described = {}
    for status, answer in operation.answers.items():
        entry: dict[str, Any] = {"description": answer.description}
        content: dict[str, dict[str, Any]] = {}
        # JSON first: a generated client reads the first form that it knows.
        if answer.model is not None:
            content[JSON] = {"schema": references[answer.model, "serialization"]}
            if answer.example is not None:
                content[JSON]["example"] = answer.example
        content |= {media_type: dict(schema) for media_type, schema in answer.content.items()}
        if content:
            entry["content"] = content
        if answer.headers:
            entry["headers"] = {name: {"description": text, "schema": {"type": "string"}} for name, text in answer.headers.items()}
        described[str(status)] = entry
    return described


def _problems(operation: Operation, references: References) -> dict[str, Any]:
    codes = [*operation.problems, *_EVERYWHERE, *(_KEYED if operation.scope != "public" else ()), *_implied(operation)]
    by_status: dict[int, list[str]] = {}
    for code in dict.fromkeys(codes):
        by_status.setdefault(PROBLEMS[code].status, []).append(code)
    if operation.error_model is not None:
        own = {JSON: {"schema": references[operation.error_model, "serialization"]}}
        return {
            str(status): {"description": "; ".join(PROBLEMS[code].title for code in found), "content": own}
            for status, found in sorted(by_status.items())
            if status not in operation.answers
        }
    return {
        str(status): {
            "description": "; ".join(f"`{code}`: {PROBLEMS[code].title}" for code in found),
            "content": {
                MEDIA_TYPE: {
                    "schema": references[ProblemBody, "serialization"],
                    "examples": {code: {"value": describe(code, PROBLEMS[code].meaning)} for code in found},
                }
            },
        }
        for status, found in sorted(by_status.items())
    }


def _implied(operation: Operation) -> list[str]:
    """Problems that follow from the operation's shape."""
    codes = ["bad_request", "invalid_request"]
    if operation.path_parameters:
        codes.append("not_found")
    if operation.path_parameters or operation.query is not None:
        codes.append("uri_too_long")
    if "analysis_id" in operation.path_parameters:
        codes.append("gone")
    if operation.only_json:
        codes.append("not_acceptable")
    if operation.body is not None or operation.files:
        codes += ["malformed_body", "request_timeout", "unsupported_media_type", "body_too_large"]
    return codes


def write_snapshot() -> None:
    """Write the document to the committed snapshot, with which a test compares it."""
    from api.routes import RESOURCES  # noqa: PLC0415 - the routes need this module's neighbours first

    SNAPSHOT.write_text(json.dumps(document(RESOURCES), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_snapshot()
