"""What the schemas of webhooks, watchlists and schedules share: paging, preconditions, ids in paths."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, StringConstraints

from api.schemas.fields import Sent

_UUID = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
_EXAMPLE = "aghk4lnbpj7rhfabk5gvk43pku"
PREFIXES: Mapping[str, str] = {"watchlist_id": "wl", "schedule_id": "sc", "run_id": "sr", "endpoint_id": "we", "delivery_id": "wd"}
AUTOMATION_PATHS: Mapping[str, dict[str, Any]] = {
    **{name: {"type": "string", "pattern": f"^{prefix}_[a-z2-7]{{26}}$", "examples": [f"{prefix}_{_EXAMPLE}"]} for name, prefix in PREFIXES.items()},
    "kickoff_id": {"type": "string", "format": "uuid", "pattern": _UUID, "examples": ["018eae2d-a17a-7f13-9401-574d55737551"]},
}
PlainText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")]


def _without_defaults(schema: dict[str, Any]) -> None:
    for spec in schema.get("properties", {}).values():
        spec.pop("default", None)


class MergePatch(Sent):
    """A merge patch (RFC 7396): only fields that were sent count, so that the defaults of this class mean nothing and are not shown."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)
