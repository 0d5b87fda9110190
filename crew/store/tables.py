"""The tables of the store. Their history is in `migrations`; a test compares both."""

import sqlalchemy as sa

metadata = sa.MetaData()

_text = sa.Text().with_variant(sa.Text(), "postgresql")
_moment = sa.DateTime(timezone=True)

analyses = sa.Table(
    "analyses",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("request", _text, nullable=False),
    sa.Column("symbol", sa.String(20), nullable=False),
    sa.Column("request_hash", sa.String(64), nullable=False),
    # Like request_hash, with the cap in money, while the analysis is under way; NULL afterwards, so that the unique index holds for live ones only.
    sa.Column("dedupe_key", sa.String(64)),
    sa.Column("request_id", sa.String(200)),
    sa.Column("status", sa.String(12), nullable=False),
    sa.Column("completed_tasks", sa.Integer, nullable=False, server_default="0"),
    sa.Column("total_tasks", sa.Integer, nullable=False, server_default="0"),
    sa.Column("current_step", sa.String(80)),
    sa.Column("last_seq", sa.Integer, nullable=False, server_default="0"),
    sa.Column("created_at", _moment, nullable=False),
    sa.Column("started_at", _moment),
    sa.Column("finished_at", _moment),
    sa.Column("cancel_requested_at", _moment),
    sa.Column("failure", _text),
    sa.Column("report_status", sa.String(12)),
    # Where it comes from: the API key that asked, the batch it was made for, the analysis it repeats, the client's own labels.
    sa.Column("key_id", sa.String(40)),
    sa.Column("batch_id", sa.String(40)),
    sa.Column("retried_from", sa.String(40)),
    sa.Column("labels", _text),
    # The sums of its model calls, kept with each call. Money is whole billionths of a dollar, so that sums are exact.
    sa.Column("prompt_tokens", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("completion_tokens", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("cost_nanousd", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("unpriced_calls", sa.Integer, nullable=False, server_default="0"),
    # What it may cost at most, set aside from its key's budget while it is under way; nothing for a crew without a paid model.
    sa.Column("cap_nanousd", sa.BigInteger, nullable=False, server_default="0"),
    # The trace of the request that asked, which its worker goes on with.
    sa.Column("traceparent", sa.String(60)),
    # What the request asks beyond the usual, as JSON: kept apart from it, so that a release that knows nothing of it can read the request.
    sa.Column("wishes", _text),
    # When to give it up, queued or running, if the request names a deadline of its own.
    sa.Column("deadline_at", _moment),
    # The hash of the configuration that it was asked of; NULL for one that was asked of an older release.
    sa.Column("config_version", sa.String(64)),
    sa.Index("analyses_by_deadline", "status", "deadline_at"),
    sa.Index("analyses_by_key", "key_id", "created_at"),
    sa.Index("analyses_live_by_key", "key_id", "status"),
    sa.Index("analyses_by_batch", "batch_id"),
    sa.Index("analyses_live", "tenant", "dedupe_key", unique=True),
    sa.Index("analyses_newest", "tenant", "created_at", "id"),
    sa.Index("analyses_same_request", "tenant", "request_hash", "finished_at"),
    sa.Index("analyses_by_status", "status", "created_at"),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("analysis_id", sa.String(40), sa.ForeignKey("analyses.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    # What may be logged once only, whatever is run again after a crash; NULL for what may repeat.
    sa.Column("once", sa.String(120)),
    sa.Column("type", sa.String(40), nullable=False),
    sa.Column("at", _moment, nullable=False),
    sa.Column("data", _text, nullable=False),
    sa.Index("events_once", "analysis_id", "once", unique=True),
)

artifacts = sa.Table(
    "artifacts",
    metadata,
    sa.Column("analysis_id", sa.String(40), sa.ForeignKey("analyses.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.String(120), primary_key=True),
    sa.Column("content", _text, nullable=False),
)

heartbeats = sa.Table(
    "heartbeats",
    metadata,
    sa.Column("executor_id", sa.String(120), primary_key=True),
    sa.Column("started_at", _moment, nullable=False),
    sa.Column("last_seen", _moment, nullable=False),
)

idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    sa.Column("tenant", sa.String(64), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("created_at", _moment, nullable=False),
    # NULL until the request is answered.
    sa.Column("status", sa.Integer),
    sa.Column("location", sa.String(200)),
    sa.Column("body", _text),
    sa.Index("idempotency_keys_age", "created_at"),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("lookup", sa.String(12), nullable=False),
    sa.Column("secret_hash", sa.String(64), nullable=False),
    sa.Column("scopes", sa.String(100), nullable=False),
    sa.Column("limits", _text, nullable=False),
    sa.Column("created_at", _moment, nullable=False),
    sa.Column("expires_at", _moment),
    sa.Column("revoked_at", _moment),
    sa.Column("last_used_at", _moment),
    sa.Index("api_keys_lookup", "lookup", unique=True),
    sa.Index("api_keys_tenant", "tenant", "created_at"),
)

documents = sa.Table(
    "documents",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("media_type", sa.String(40), nullable=False),
    sa.Column("as_of", sa.Date),
    sa.Column("size_bytes", sa.Integer, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("characters", sa.Integer, nullable=False),
    sa.Column("pages", sa.Integer),
    sa.Column("pages_without_text", sa.Integer, nullable=False),
    sa.Column("created_at", _moment, nullable=False),
    sa.Column("text", _text, nullable=False),
    sa.Column("page_starts", _text, nullable=False),
    sa.Index("documents_newest", "tenant", "created_at", "id"),
    sa.Index("documents_age", "created_at"),
)

analysis_documents = sa.Table(
    "analysis_documents",
    metadata,
    sa.Column("analysis_id", sa.String(40), sa.ForeignKey("analyses.id", ondelete="CASCADE"), primary_key=True),
    # Without a cascade: the database itself refuses to delete a document that an analysis under way was promised.
    sa.Column("document_id", sa.String(40), sa.ForeignKey("documents.id"), primary_key=True),
    sa.Index("analysis_documents_of", "document_id"),
)

batches = sa.Table(
    "batches",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("on_error", sa.String(12), nullable=False),
    sa.Column("created_at", _moment, nullable=False),
    sa.Column("cancel_requested_at", _moment),
    sa.Index("batches_age", "created_at"),
)

batch_items = sa.Table(
    "batch_items",
    metadata,
    sa.Column("batch_id", sa.String(40), sa.ForeignKey("batches.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    # Without a foreign key: an analysis that was joined may be deleted while the batch still tells of it.
    sa.Column("analysis_id", sa.String(40)),
    sa.Column("outcome", sa.String(12), nullable=False),
    sa.Column("problem", _text),
    sa.Index("batch_items_analysis", "analysis_id"),
)

# What model calls used, by day of UTC. It outlives the analyses: deleting one gives no budget back.
usage_days = sa.Table(
    "usage_days",
    metadata,
    sa.Column("tenant", sa.String(64), primary_key=True),
    # Empty where no key is needed.
    sa.Column("key_id", sa.String(40), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("model", sa.String(200), primary_key=True),
    sa.Column("calls", sa.BigInteger, nullable=False),
    sa.Column("failed_calls", sa.BigInteger, nullable=False),
    sa.Column("unpriced_calls", sa.BigInteger, nullable=False),
    sa.Column("prompt_tokens", sa.BigInteger, nullable=False),
    sa.Column("completion_tokens", sa.BigInteger, nullable=False),
    sa.Column("cached_tokens", sa.BigInteger, nullable=False),
    sa.Column("cost_nanousd", sa.BigInteger, nullable=False),
)

# What remains of a deleted analysis: enough to say that it is gone, and to count it against the limits of its key.
deleted_analyses = sa.Table(
    "deleted_analyses",
    metadata,
    sa.Column("id", sa.String(40), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("key_id", sa.String(40)),
    sa.Column("created_at", _moment, nullable=False),
    sa.Column("deleted_at", _moment, nullable=False),
    sa.Index("deleted_analyses_age", "deleted_at"),
    sa.Index("deleted_analyses_by_key", "key_id", "created_at"),
)

stream_tickets = sa.Table(
    "stream_tickets",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("tenant", sa.String(64), nullable=False),
    sa.Column("key_id", sa.String(40)),
    sa.Column("analysis_ids", _text, nullable=False),
    sa.Column("expires_at", _moment, nullable=False),
    sa.Index("stream_tickets_age", "expires_at"),
)
