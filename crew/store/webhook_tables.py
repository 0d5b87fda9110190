"""The tables of webhooks: endpoints, the hooks of kickoffs, deliveries and their attempts."""

import sqlalchemy as sa

from crew.store.tables import metadata

_moment = sa.DateTime(timezone=True)

webhook_endpoints = sa.Table(
    "webhook_endpoints",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("description", sa.String(200), nullable=False),
    sa.Column("event_types", sa.String(400), nullable=False),
    sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("disabled_reason", sa.String(200)),
    sa.Column("failing_since", _moment),
    # Both sealed; see crew.store.sealing.
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("previous_secret", sa.Text),
    sa.Column("previous_secret_until", _moment),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_at", _moment, nullable=False),
    sa.Column("updated_at", _moment, nullable=False),
    sa.Index("webhook_endpoints_tenant", "tenant", "created_at", "id"),
)

# What signs the webhooks of single analyses, one for each tenant; both sealed.
webhook_secrets = sa.Table(
    "webhook_secrets",
    metadata,
    sa.Column("tenant", sa.String(64), primary_key=True),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("created_at", _moment, nullable=False),
    sa.Column("previous_secret", sa.Text),
    sa.Column("previous_secret_until", _moment),
)

# Kept apart from the analyses by purpose: a hook may outlive its analysis until its last delivery is made.
analysis_hooks = sa.Table(
    "analysis_hooks",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("analysis_id", sa.String(40), nullable=False),
    sa.Column("kind", sa.String(12), nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("event_types", sa.Text),
    sa.Column("realtime", sa.Boolean, nullable=False),
    # Sealed.
    sa.Column("authorization", sa.Text),
    sa.Column("meta", sa.Text),
    # Names the hook's content, so that the same kickoff sent twice is told once.
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("created_at", _moment, nullable=False),
    sa.Index("analysis_hooks_same", "analysis_id", "fingerprint", unique=True),
    sa.Index("analysis_hooks_age", "created_at"),
)

webhook_deliveries = sa.Table(
    "webhook_deliveries",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    # The endpoint or the hook, whichever it is: what shares a receiver shares its place in the line.
    sa.Column("target", sa.String(40), nullable=False),
    sa.Column("endpoint_id", sa.String(40), sa.ForeignKey("webhook_endpoints.id", ondelete="CASCADE")),
    sa.Column("hook_id", sa.String(40), sa.ForeignKey("analysis_hooks.id", ondelete="CASCADE")),
    sa.Column("hook", sa.String(12)),
    sa.Column("event_type", sa.String(40), nullable=False),
    sa.Column("analysis_id", sa.String(40)),
    # The events of the analysis that it tells of; one but for a hook that gathers them.
    sa.Column("first_seq", sa.Integer),
    sa.Column("last_seq", sa.Integer),
    sa.Column("status", sa.String(12), nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    # Attempts since it was made or last redelivered: they choose the pause before the next.
    sa.Column("round_attempts", sa.Integer, nullable=False),
    sa.Column("created_at", _moment, nullable=False),
    sa.Column("next_attempt_at", _moment),
    sa.Column("claimed_by", sa.String(120)),
    sa.Column("claimed_until", _moment),
    sa.Column("finished_at", _moment),
    sa.Column("last_status", sa.Integer),
    sa.Column("last_error", sa.String(200)),
    sa.Index("webhook_deliveries_once", "target", "analysis_id", "first_seq", unique=True),
    sa.Index("webhook_deliveries_due", "status", "next_attempt_at"),
    sa.Index("webhook_deliveries_tenant", "tenant", "created_at", "id"),
    sa.Index("webhook_deliveries_endpoint", "endpoint_id", "created_at", "id"),
    sa.Index("webhook_deliveries_hook", "hook_id"),
    sa.Index("webhook_deliveries_age", "finished_at"),
)

webhook_attempts = sa.Table(
    "webhook_attempts",
    metadata,
    sa.Column("delivery_id", sa.String(40), sa.ForeignKey("webhook_deliveries.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("at", _moment, nullable=False),
    sa.Column("status", sa.Integer),
    sa.Column("error", sa.String(200)),
    sa.Column("milliseconds", sa.Integer, nullable=False),
)
