"""The resources of the API, one module each."""

from api.contract import Resource
from api.routes import (
    amp,
    analyses,
    batches,
    crew,
    deliveries,
    documents,
    events,
    keys,
    lifecycle,
    operations,
    report,
    schedules,
    signing,
    sources,
    tickets,
    usage,
    watch,
    watchlists,
    webhooks,
)

_SPREAD = (lifecycle, watch)  # operations of the resources of analyses and events that live in modules of their own

RESOURCES: tuple[Resource, ...] = (
    analyses.resource,
    batches.resource,
    events.resource,
    tickets.resource,
    report.resource,
    sources.resource,
    documents.resource,
    crew.resource,
    usage.resource,
    keys.resource,
    watchlists.resource,
    schedules.resource,
    webhooks.resource,
    signing.resource,
    deliveries.resource,
    amp.resource,
    operations.resource,
)
