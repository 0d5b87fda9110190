"""Declares an operation once: the same pydantic models validate its request and describe it in the OpenAPI document."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache, wraps
from typing import Any, Literal, TypeVar, get_origin

from flask import Flask, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import MultiDict
from werkzeug.http import http_date

from api.idempotency import answer_once
from api.negotiation import json_acceptable, require_no_coding
from api.problems import Problem, value_errors
from api.uploads import Upload, upload

Method = Literal["GET", "POST", "PATCH", "PUT", "DELETE"]
Scope = Literal["public", "read", "run", "admin"]
View = Callable[..., ResponseReturnValue]
Model = TypeVar("Model", bound=BaseModel)

JSON = "application/json"


@dataclass(frozen=True)
class Answer:
    """One documented answer: a model for JSON bodies, or media types with a JSON schema each; `headers` by name with a description."""

    description: str
    model: type[BaseModel] | None = None
    content: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    example: Any = None


@dataclass(frozen=True)
class Deprecation:
    """Since when an operation should no longer be used, when it ends, and where that is explained (RFC 9745, RFC 8594)."""

    since: datetime
    sunset: datetime
    link: str = "/docs"

    @property
    def headers(self) -> dict[str, str]:
        """What every answer of the operation carries."""
        return {
            "Deprecation": f"@{int(self.since.timestamp())}",
            "Sunset": http_date(self.sunset),
            "Link": f'<{self.link}>; rel="deprecation"',
        }


@dataclass(frozen=True)
class Operation:
    """One method on one path. The view receives `body`, `query` and `headers` validated, and the path's parts by name.

    `files` are the media types of an operation whose body is a file; its view receives the `file`.
    """

    id: str
    method: Method
    path: str
    scope: Scope
    tag: str
    view: View
    answers: Mapping[int, Answer]
    problems: Sequence[str] = ()
    body: type[BaseModel] | None = None
    body_optional: bool = False
    body_example: Any = None
    query: type[BaseModel] | None = None
    headers: type[BaseModel] | None = None
    files: Sequence[str] = ()
    ticketed: bool = False
    deprecation: Deprecation | None = None

    body_types: Sequence[str] = (JSON,)
    # The model of a façade's own errors; None for problems (RFC 9457).
    error_model: type[BaseModel] | None = None

    @property
    def only_json(self) -> bool:
        """Whether every body that it answers with is JSON."""
        return self.scope != "public" and not any(answer.content for answer in self.answers.values())

    @property
    def summary(self) -> str:
        """The first line of the view's docstring."""
        return (self.view.__doc__ or "").strip().splitlines()[0]

    @property
    def description(self) -> str:
        """The rest of the view's docstring."""
        return " ".join(line.strip() for line in (self.view.__doc__ or "").strip().splitlines()[1:]).strip()

    @property
    def template(self) -> str:
        """The path as OpenAPI writes it: `/v1/analyses/{analysis_id}`."""
        return re.sub(r"<(?:[^<:>]+:)?([^<>]+)>", r"{\1}", self.path)

    @property
    def path_parameters(self) -> list[str]:
        """Names of the path's variable parts."""
        return re.findall(r"{([^{}]+)}", self.template)


class Resource:
    """The operations of one resource, collected by decorator and mounted on an application."""

    def __init__(self, tag: str, description: str) -> None:
        self.tag = tag
        self.description = description
        self.operations: list[Operation] = []

    def operation(self, method: Method, path: str, *, scope: Scope, answers: Mapping[int, Answer], **details: Any) -> Callable[[View], View]:
        """Declare the decorated view as `method` on `path`; `details` are further fields of `Operation`."""

        def declare(view: View) -> View:
            name = getattr(view, "__name__", "")
            self.operations.append(Operation(id=name, method=method, path=path, scope=scope, tag=self.tag, view=view, answers=answers, **details))
            return view

        return declare


def mount(app: Flask, resources: Sequence[Resource]) -> None:
    """Add every operation of `resources` to `app`, each behind the validation of its request."""
    for operation in operations_of(resources):
        app.add_url_rule(operation.path, endpoint=operation.id, view_func=_validated(operation), methods=[operation.method])
    app.extensions["stockcrew.operations"] = {operation.id: operation for operation in operations_of(resources)}


def operations_of(resources: Sequence[Resource]) -> Iterator[Operation]:
    """Every operation of `resources` in order."""
    return (operation for resource in resources for operation in resource.operations)


def _validated(operation: Operation) -> View:
    only_json = operation.only_json

    @wraps(operation.view)
    def view(**parts: str) -> ResponseReturnValue:
        arguments: dict[str, Any] = dict(parts)
        if only_json and not json_acceptable():
            raise Problem("not_acceptable", f"Available here: {JSON}.", extensions={"available": [JSON]})
        if operation.headers is not None:
            arguments["headers"] = _read_headers(operation.headers)
        if operation.query is not None:
            arguments["query"] = _read_query(operation.query)
        elif request.args:
            raise _invalid([_unknown(name) for name in request.args])
        if operation.body is not None:
            arguments["body"] = _read_body(operation.body, optional=operation.body_optional, media_types=operation.body_types)
        if not operation.files:
            return _carry_out(operation, arguments)
        with upload() as file:
            return _carry_out(operation, {**arguments, "file": file})

    return view


def _carry_out(operation: Operation, arguments: dict[str, Any]) -> ResponseReturnValue:
    key = getattr(arguments.get("headers"), "idempotency_key", None)
    if key is None:
        return operation.view(**arguments)
    file: Upload | None = arguments.get("file")
    sent = None if file is None else {"query": arguments["query"].model_dump(mode="json"), "file": hashlib.sha256(file.content).hexdigest()}
    return answer_once(key, arguments.get("body"), lambda: operation.view(**arguments), sent=sent)


def _unknown(name: str) -> dict[str, str]:
    return {"parameter": name, "in": "query", "code": "extra_forbidden", "detail": "There is no such parameter"}


def _invalid(errors: list[dict[str, str]]) -> Problem:
    return Problem("invalid_request", "; ".join(sorted({item["detail"] for item in errors})), errors=errors)


def _read_body(model: type[Model], *, optional: bool, media_types: Sequence[str] = (JSON,)) -> Model:
    content = request.get_data(cache=True)
    if not content and optional:
        return model()
    require_no_coding()
    if request.mimetype not in media_types:
        raise Problem("unsupported_media_type", f"The body must be {' or '.join(media_types)}.", headers={"Accept": ", ".join(media_types)})
    try:
        return model.model_validate_json(content, strict=True)
    except ValidationError as error:
        if error.errors(include_url=False, include_input=False)[0]["type"] == "json_invalid":
            raise Problem("malformed_body", "The body is empty." if not content else "The body is not a JSON value in UTF-8.") from None
        raise _invalid(value_errors(error, place="body")) from None


def _read_query(model: type[Model]) -> Model:
    lists = _list_fields(model)
    args: MultiDict[str, str] = request.args
    repeated = [name for name, values in args.lists() if len(values) > 1 and name not in lists]
    if repeated:
        raise _invalid([{"parameter": name, "in": "query", "code": "repeated", "detail": f"{name} may be given once"} for name in repeated])
    values: dict[str, Any] = {name: (found if name in lists else found[0]) for name, found in args.lists()}
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise _invalid(value_errors(error, place="query")) from None


def _read_headers(model: type[Model]) -> Model:
    found = {name: request.headers[name] for name in _header_names(model) if name in request.headers}
    try:
        return model.model_validate(found)
    except ValidationError as error:
        raise _invalid(value_errors(error, place="header")) from None


@cache
def _list_fields(model: type[BaseModel]) -> frozenset[str]:
    return frozenset(name for name, info in model.model_fields.items() if get_origin(info.annotation) in {list, tuple})


@cache
def _header_names(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(info.alias or name for name, info in model.model_fields.items())
