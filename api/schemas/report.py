"""Queries and bodies of the report and of the evidence behind it."""

from typing import Annotated

from pydantic import Field, WithJsonSchema

from api.schemas.fields import Answered, PageSize, Sent
from crew.domain.evidence import Evidence

ReportForm = Annotated[str, WithJsonSchema({"type": "string", "enum": ["json", "md", "html"]})]


class ReadReport(Sent):
    """Which representation of the report to read."""

    format: ReportForm | None = Field(None, description="Overrides `Accept`.")


class ListSources(Sent):
    """Which evidence to list."""

    limit: PageSize = Field(100, description="Figures per page; more than 500 counts as 500.")
    cursor: str | None = Field(None, min_length=1, max_length=500, description="`next_cursor` of the page before, with the same filters.")
    prefix: str | None = Field(None, max_length=120, description="Only ids that start so, such as `income.`.")


class SourcePage(Answered):
    """One page of the evidence behind a report, in the report's order."""

    data: list[Evidence]
    next_cursor: str | None
