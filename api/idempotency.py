"""Carries a request out once per Idempotency-Key, and gives the first answer again when it is sent again."""

import hashlib
import json
from collections.abc import Callable
from typing import Any

from flask import Response, g, make_response, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from api.problems import Problem
from api.services import services
from crew.store.idempotency import KeptAnswer

REPLAYED = "Idempotent-Replayed"


def answer_once(key: str, body: BaseModel | None, carry_out: Callable[[], ResponseReturnValue], *, sent: Any = None) -> Response:
    """The answer of `carry_out`, kept under the tenant's `key`; or the one kept before. Only successes are kept.

    `sent` is what else makes two requests the same, as JSON values.

    Raises:
        Problem: the key is under way, or was used for another request.
    """
    store, tenant = services().idempotency, g.principal.tenant
    found = store.begin(tenant, key, _fingerprint(body, sent))
    if found.state == "another":
        raise Problem("idempotency_key_reused", "This Idempotency-Key was sent with another request.")
    if found.state == "in_flight":
        raise Problem("idempotency_in_flight", "A request with this Idempotency-Key is being answered.", headers={"Retry-After": "1"})
    if found.answer is not None:
        return _replay(found.answer)
    try:
        answer = make_response(carry_out())
    except BaseException:
        store.release(tenant, key)
        raise
    if not 200 <= answer.status_code < 300:
        store.release(tenant, key)
        return answer
    store.keep(tenant, key, KeptAnswer(answer.status_code, answer.headers.get("Location"), answer.get_data()))
    return answer


def _fingerprint(body: BaseModel | None, sent: Any) -> str:
    content = json.dumps(body.model_dump(mode="json") if body is not None else sent, sort_keys=True)
    return hashlib.sha256(f"{request.method} {request.path}\n{content}".encode()).hexdigest()


def _replay(kept: KeptAnswer) -> Response:
    answer = Response(kept.body, status=kept.status, mimetype="application/json")
    answer.headers[REPLAYED] = "true"
    if kept.location:
        answer.headers["Location"] = kept.location
    return answer
