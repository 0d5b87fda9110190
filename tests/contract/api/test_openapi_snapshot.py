"""The committed OpenAPI document is the one the code gives: a change of the API is seen in the review."""

import json
from pathlib import Path

import pytest

from api.openapi import document
from api.routes import RESOURCES

SNAPSHOT = Path(__file__).resolve().parents[3] / "api" / "openapi.snapshot.json"


def test_the_snapshot_is_current() -> None:
    """`python -m api.openapi` was run after the last change of the API."""
    assert json.loads(SNAPSHOT.read_text(encoding="utf-8")) == json.loads(json.dumps(document(RESOURCES)))


@pytest.mark.parametrize("name", ["AnalysisBody", "ProblemBody", "Report", "EventPage"])
def test_models_keep_their_names(name: str) -> None:
    """Generated clients get plain class names, without prefixes, suffixes or hashes."""
    assert name in document(RESOURCES)["components"]["schemas"]


def test_an_address_that_may_be_too_long_is_told() -> None:
    """Where clients put values into the address, 414 is among the answers: the server gives it before anybody looks at the values."""
    described = json.loads(SNAPSHOT.read_text(encoding="utf-8"))["paths"]
    varying = [
        operation
        for path in described.values()
        for operation in path.values()
        if any(parameter.get("in") in {"path", "query"} for parameter in operation.get("parameters", ()))
    ]

    assert len(varying) > 40
    assert all("414" in operation["responses"] for operation in varying)
