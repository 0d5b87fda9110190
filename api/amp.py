"""The errors of the CrewAI AMP façade: what is a problem everywhere else is `{error, message}` here, as AMP's clients expect."""

from collections.abc import Mapping
from typing import Any

from flask import Flask, Response, current_app, json, request

from api.contract import JSON, Operation
from api.problems import MEDIA_TYPE

_TITLES = {404: "Execution not found", 422: "Validation Error"}


def register(app: Flask) -> None:
    """Say the problems of `app`'s façade routes in AMP's form."""
    app.after_request(_in_amps_form)


def _in_amps_form(answer: Response) -> Response:
    operations: Mapping[str, Operation] = current_app.extensions.get("stockcrew.operations", {})
    operation = operations.get(request.endpoint or "")
    if operation is None or operation.error_model is None or answer.mimetype != MEDIA_TYPE:
        return answer
    problem = json.loads(answer.get_data())
    body: dict[str, Any] = {"error": _TITLES.get(answer.status_code, problem["title"]), "message": problem["detail"]}
    details = {name: problem[name] for name in ("missing_inputs", "errors") if name in problem}
    answer.set_data(json.dumps(body | ({"details": details} if details else {})))
    answer.mimetype = JSON
    return answer
