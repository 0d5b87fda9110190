"""The table of errors: every stable code with its HTTP status, its title, what it means and whether another try can help."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class ProblemType:
    """One kind of error: its HTTP status, its title, what it means and what to do about it."""

    status: int
    title: str
    meaning: str
    retryable: bool = False


PROBLEMS: Mapping[str, ProblemType] = {
    # the door's own
    "malformed_body": ProblemType(400, "The body is not valid JSON", "Send one JSON object in UTF-8."),
    "bad_request": ProblemType(400, "The request cannot be understood", "The request breaks HTTP's own rules; the detail says how."),
    "unauthorized": ProblemType(401, "A valid API key is required", "Send `Authorization: Bearer <key>` with a key that is still valid."),
    "forbidden": ProblemType(403, "The API key does not allow this", "Use a key that has the scope named in the detail."),
    "method_not_allowed": ProblemType(405, "The resource does not support this method", "The `Allow` header lists the methods it supports."),
    "not_acceptable": ProblemType(406, "No representation matches", "Ask for one of the media types named in the detail, by `Accept` or `?format=`."),
    "request_timeout": ProblemType(408, "The request came too slowly", "Send it again, faster; nothing of it was carried out.", retryable=True),
    "batch_stopped": ProblemType(
        409, "An item before this one was refused", "The batch stops on errors: correct the item, or use `on_error: continue`."
    ),
    "conflict": ProblemType(409, "The resource is in another state", "Read the resource again; the detail says which state stands in the way."),
    "idempotency_in_flight": ProblemType(409, "The same request is still being answered", "Repeat it after `Retry-After` seconds.", retryable=True),
    "gone": ProblemType(410, "The resource is no longer kept", "It was deleted or its retention has ended."),
    "precondition_failed": ProblemType(412, "The resource has changed", "Read it again and send its new ETag in `If-Match`."),
    "body_too_large": ProblemType(413, "The body is too large", "Send less; the detail states the limit."),
    "uri_too_long": ProblemType(414, "The URL is too long", "Shorten it."),
    "unsupported_media_type": ProblemType(415, "The body has the wrong media type", "Send one that the `Accept` header of the answer names."),
    "idempotency_key_reused": ProblemType(422, "The Idempotency-Key was used for another request", "Use a new key for a new request."),
    "precondition_required": ProblemType(428, "The request must be conditional", "Read the resource and send its ETag in `If-Match`."),
    "rate_limited": ProblemType(
        429, "Too many requests", "Wait for `Retry-After` seconds; the `RateLimit` header shows what is left.", retryable=True
    ),
    "quota_exceeded": ProblemType(
        429, "A limit of this API key is reached", "Wait for `Retry-After` seconds, or ask for a higher limit.", retryable=True
    ),
    "headers_too_large": ProblemType(431, "The headers are too large", "Send fewer or shorter headers."),
    "too_many_streams": ProblemType(
        503, "Too many event streams are open", "Repeat after `Retry-After` seconds, or page through the events as JSON.", retryable=True
    ),
    "shutting_down": ProblemType(503, "The service is stopping", "Repeat after `Retry-After` seconds.", retryable=True),
    "url_not_allowed": ProblemType(
        422, "A webhook may not go to that URL", "Use a public https address; the operator can allow others by STOCKCREW_WEBHOOK_ALLOWED_NETWORKS."
    ),
    "http_error": ProblemType(400, "The request failed", "The detail says why."),
    "internal_error": ProblemType(500, "Something went wrong here", "Tell the operator the `request_id`; the log has the cause."),
    # crew/errors.py, those that answer a request
    "invalid_request": ProblemType(422, "A value is wrong", "Each entry of `errors` names one value and what is wrong with it."),
    "not_found": ProblemType(404, "There is no such resource", "It does not exist, or it is not yours."),
    "report_not_ready": ProblemType(409, "There is no report yet", "Follow the events until the analysis has ended.", retryable=True),
    "not_cancelable": ProblemType(409, "The analysis has already ended", "Only a queued or running analysis can be canceled."),
    "document_unreadable": ProblemType(422, "No text can be read from the document", "The detail says why, and what to send instead."),
    "document_in_use": ProblemType(409, "An analysis under way needs the document", "Wait for its end, or cancel it, and delete again."),
    "analysis_active": ProblemType(
        409, "The analysis has not ended yet", "Cancel it, or wait until it has ended, and repeat the request.", retryable=True
    ),
    "configuration_error": ProblemType(500, "The service is configured wrongly", "The operator must correct the setting named in the log."),
    "blueprint_error": ProblemType(500, "The crew is configured wrongly", "The operator must correct agents.yaml or tasks.yaml."),
    "service_error": ProblemType(503, "The service cannot work now", "Repeat after `Retry-After` seconds.", retryable=True),
    "store_unavailable": ProblemType(503, "The database cannot be used now", "Repeat after `Retry-After` seconds.", retryable=True),
    "worker_already_running": ProblemType(503, "A worker runs already", "SQLite allows one worker; use PostgreSQL for more."),
    "overloaded": ProblemType(503, "The service has too much to do", "Repeat after `Retry-After` seconds.", retryable=True),
    # crew/errors.py, those that end an analysis: seen in its `error`
    "market_data_error": ProblemType(502, "Market data could not be had", "The detail says why."),
    "symbol_not_found": ProblemType(
        404, "The market-data provider knows no such symbol", "Check the spelling as Yahoo Finance has it, such as BRK-B or PETR4.SA."
    ),
    "market_data_unavailable": ProblemType(502, "The market-data provider cannot be reached", "Try again later.", retryable=True),
    "market_data_rate_limited": ProblemType(503, "The market-data provider refuses for now", "Try again later.", retryable=True),
    "stale_data": ProblemType(422, "There is no market data for that day", "Choose another `as_of`, or none for the newest."),
    "agent_error": ProblemType(502, "The crew could not do its work", "The detail says why."),
    "model_unavailable": ProblemType(502, "The model cannot be reached", "Try again later.", retryable=True),
    "model_rate_limited": ProblemType(503, "The model provider refuses for now", "Try again later.", retryable=True),
    "model_rejected": ProblemType(502, "The model provider refuses the request", "The operator must check the provider's key and the model's name."),
    "output_invalid": ProblemType(502, "The model's answers could not be used", "Try again, or use another model.", retryable=True),
    "budget_exceeded": ProblemType(402, "The cap in tokens or money is reached", "Raise the cap, or use a cheaper model."),
    "deadline_exceeded": ProblemType(504, "The analysis ran out of time", "Try again, or raise the deadline.", retryable=True),
    "canceled": ProblemType(409, "The analysis was canceled", "Start a new one."),
}
