"""Bodies of the CrewAI AMP façade, spelled as AMP's own API document spells them."""

import json
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, RootModel, WithJsonSchema

from api.schemas.fields import SYMBOL_SCHEMA, Answered, Sent
from api.schemas.schedules import MODEL
from crew.domain.amp import AmpState
from crew.domain.analysis import FOCUSES, Depth, Language
from crew.domain.targets import LONGEST_URL

_LARGEST_META = 4096
_VISIBLE = r"^[!-~]+$"


def _small(meta: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(meta)) > _LARGEST_META:
        raise ValueError(f"must be at most {_LARGEST_META} characters as JSON")
    return meta


HookUrl = Annotated[str, Field(min_length=1, max_length=LONGEST_URL, description="A public https address.", examples=["https://example.com/hook"])]
_ABSENT = {"const": ""}
_SUBJECT = f"({'|'.join(FOCUSES)})"
_FOCUS = f"^({_SUBJECT}( *, *{_SUBJECT})*)?$"
_DEADLINE = "^([1-9][0-9]{0,3}|[1-7][0-9]{4}|8[0-5][0-9]{3}|86[0-3][0-9]{2}|86400)?$"
Inputs = Annotated[
    dict[str, str],
    Field(max_length=20),
    WithJsonSchema(
        {
            "type": "object",
            "required": ["symbol"],
            "additionalProperties": False,
            "properties": {
                "symbol": SYMBOL_SCHEMA,
                "as_of": {"anyOf": [{"type": "string", "format": "date"}, _ABSENT]},
                "language": {"enum": [*get_args(Language), ""]},
                "model": {"anyOf": [{"type": "string", "maxLength": 200, "pattern": MODEL}, _ABSENT]},
                "force": {"type": "string", "pattern": "^([Tt]rue|[Ff]alse)?$"},
                "depth": {"enum": [*get_args(Depth), ""]},
                "focus": {
                    "type": "string",
                    "pattern": _FOCUS,
                    "maxLength": 1000,
                    "description": "Subjects to treat first and most, divided by commas.",
                },
                "deadline_s": {"type": "string", "pattern": _DEADLINE},
            },
        }
    ),
]
Meta = Annotated[dict[str, Any], AfterValidator(_small)]
AmpId = Annotated[str, Field(min_length=1, max_length=100)]


class BearerToken(Sent):
    """A token that the receiver of a webhook wants to see."""

    strategy: Literal["bearer"]
    token: str = Field(min_length=1, max_length=1000, pattern=_VISIBLE)


class BasicLogin(Sent):
    """A name and password that the receiver of a webhook wants to see."""

    strategy: Literal["basic"]
    username: str = Field(min_length=1, max_length=200, pattern=r"^[^:\x00-\x1f\x7f]+$")
    password: str = Field(max_length=1000, pattern=r"^[^\x00-\x1f\x7f]*$")


class EventWebhook(Sent):
    """A webhook for the stream of events. Without `realtime` events are gathered for some seconds."""

    events: list[Annotated[str, Field(pattern="^[a-z_]{1,60}$")]] = Field(
        min_length=1,
        max_length=100,
        description="Names of CrewAI's event bus. Sent here: crew_kickoff_started, crew_kickoff_completed, crew_kickoff_failed, task_started, "
        "task_completed, llm_call_completed, llm_call_failed; other names are accepted and do not occur.",
    )
    url: HookUrl
    realtime: bool = False
    authentication: BearerToken | None = None


class HumanInputWebhook(Sent):
    """A webhook for questions to people. This crew never asks any, so it is never called."""

    url: HookUrl
    authentication: BearerToken | BasicLogin | None = Field(None, discriminator="strategy")


class HookUrls(Sent):
    """Where to tell about tasks, model calls and the end of the crew's work."""

    taskWebhookUrl: HookUrl | None = None  # noqa: N815 - as AMP spells it
    stepWebhookUrl: HookUrl | None = None  # noqa: N815
    crewWebhookUrl: HookUrl | None = None  # noqa: N815


class Kickoff(HookUrls):
    """What to analyse, and whom to tell."""

    inputs: Inputs = Field(description="`symbol` is required; an empty text counts as absent.")
    meta: Meta | None = Field(None, description="Given back in every webhook.")
    webhooks: EventWebhook | None = None
    humanInputWebhook: HumanInputWebhook | None = None  # noqa: N815


class Resume(HookUrls):
    """A person's answer to a paused task."""

    execution_id: AmpId
    task_id: AmpId
    human_feedback: str = Field(max_length=10_000)
    is_approve: bool


class InputsBody(Answered):
    """The inputs that a kickoff must give."""

    inputs: list[str]


class KickoffBody(Answered):
    """The execution that was started, or joined."""

    kickoff_id: str


class AmpProgress(Answered):
    """How far the crew is."""

    completed_tasks: int
    total_tasks: int


class RunningBody(Answered):
    """The crew works, or waits for a worker. `state` is what AMP's own tools poll."""

    status: Literal["running"]
    state: AmpState
    current_task: str | None
    progress: AmpProgress


class TaskOutput(Answered):
    """What a task delivered. `execution_time` is in seconds."""

    task_id: str
    output: str
    agent: str | None
    execution_time: float


class ResultBody(Answered):
    """The report in Markdown, and what each task wrote."""

    output: str
    tasks: list[TaskOutput]


class CompletedBody(Answered):
    """The crew has finished."""

    status: Literal["completed"]
    state: AmpState
    result: ResultBody
    execution_time: float


class ErrorBody(Answered):
    """The crew failed, or was canceled."""

    status: Literal["error"]
    state: AmpState
    error: str
    execution_time: float


class ExecutionBody(RootModel[RunningBody | CompletedBody | ErrorBody]):
    """The state of an execution."""


class AmpError(Answered):
    """An error, as AMP spells it."""

    error: str
    message: str
    details: dict[str, Any] | None = None
