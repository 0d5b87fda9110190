"""What a model is really sent at each depth, and with a focus."""

import json
from collections.abc import Callable

import pytest
from fakes.model_protocols import ModelRequest, Reply
from fakes.model_provider import ModelProvider
from fakes.model_writer import draft_for

from crew.blueprint.depth import fitted
from crew.blueprint.model import Blueprint
from crew.domain.analysis import Depth
from crew.domain.run import TaskResult

Run = Callable[..., TaskResult]
Serve = Callable[..., ModelProvider]
BAD = "The price rose by 42 percent."


def spoiled(request: ModelRequest) -> Reply:
    """A draft one sentence of which breaks the rules."""
    draft = draft_for(request.text)
    draft["trend"] = BAD
    return Reply(text=json.dumps(draft))


@pytest.mark.parametrize(("depth", "rounds"), [("quick", 1), ("standard", 2), ("deep", 3)])
def test_the_depth_says_how_often_a_draft_is_handed_back(run: Run, serve: Serve, blueprint: Blueprint, depth: Depth, rounds: int) -> None:
    """What never gets right is asked for once at `quick`, twice at `standard`, three times at `deep`, and withheld all the same."""
    server = serve(spoiled)
    result = run("technicals", server=server, crew=fitted(blueprint, depth))

    assert len(server.requests) == rounds
    assert (result.repair_rounds, result.draft["trend"]) == (rounds - 1, "")
    assert {violation.path for violation in result.withheld} == {"trend"}


def test_a_model_is_sent_less_at_quick_and_more_at_deep(run: Run, serve: Serve, blueprint: Blueprint) -> None:
    """No tools, fewer facts and a shorter answer at `quick`; a longer answer and the wish to look further at `deep`."""
    sent: dict[str, ModelRequest] = {}
    for depth in ("quick", "standard", "deep"):
        server = serve(lambda request: Reply(text=json.dumps(draft_for(request.text))))
        run("fundamentals", server=server, crew=fitted(blueprint, depth))
        sent[depth] = server.requests[0]
    facts = {depth: request.text.count("\n[[") for depth, request in sent.items()}

    assert [bool(sent[depth].body.get("tools")) for depth in sent] == [False, True, True]
    assert facts["quick"] == 60 < facts["standard"] <= facts["deep"]
    assert len({limit(sent[depth]) for depth in sent}) == 3
    assert limit(sent["quick"]) < limit(sent["standard"]) < limit(sent["deep"])
    assert "Take your time." in sent["deep"].text
    assert "Take your time." not in sent["standard"].text


def limit(request: ModelRequest) -> int:
    """The longest answer that was asked for."""
    return int(request.body.get("max_tokens") or request.body["max_completion_tokens"])


def test_focus_is_told_in_the_prompt(run: Run, serve: Serve, blueprint: Blueprint) -> None:
    """The model reads which subjects matter most."""
    server = serve(lambda request: Reply(text=json.dumps(draft_for(request.text))))
    run("technicals", server=server, crew=fitted(blueprint, "standard", ("trend", "valuation")))

    assert "The reader wants most on the trend of the price." in server.requests[0].text
