"""Every error StockCrew raises on purpose.

StockcrewError
├── InputError                      what the caller sent is wrong
│   ├── InvalidRequest              a value is missing, malformed or unknown
│   ├── NotFound                    no such thing, or not the caller's
│   ├── ReportNotReady              the analysis has no report yet, or never will
│   ├── NotCancelable               the analysis has already ended
│   ├── AnalysisActive              the analysis has not ended yet
│   ├── Gone                        it was here and is kept no longer
│   ├── DocumentUnreadable          no text can be read from the document
│   ├── DocumentInUse               an analysis under way needs the document
│   ├── UrlNotAllowed               a webhook may not go to that address
│   ├── QuotaExceeded               a limit of the API key is reached; `retry_after_s` says how long to wait
│   ├── ResourceChanged             somebody else changed it meanwhile
│   └── ResourceInUse               its state, or something that depends on it, stands in the way
├── ConfigurationError              what the operator set is wrong; says what to set
│   └── BlueprintError              agents.yaml or tasks.yaml is wrong; says file, line and field
├── MarketDataError
│   ├── SymbolNotFound              the provider knows no such instrument
│   ├── MarketDataUnavailable       the provider cannot be reached or answers rubbish
│   ├── MarketDataRateLimited       the provider refuses for now; `retry_after_s` says how long
│   └── StaleData                   there is nothing to say as of that day
├── AgentError
│   ├── ModelUnavailable            the model cannot be reached or keeps failing
│   ├── ModelRateLimited            the model provider refuses for now
│   ├── ModelRejected               the provider refuses the key or the request; says which variable
│   ├── OutputInvalid               the model's answers cannot be used even after the repair round
│   ├── BudgetExceeded              the cap in tokens or money is reached
│   └── DeadlineExceeded            the analysis ran out of time
├── ServiceError
│   ├── StoreUnavailable            the database cannot be reached or written
│   ├── WorkerAlreadyRunning        a second worker on one SQLite file
│   └── Overloaded                  the queue or a limit is full
└── RunCanceled                     somebody asked the analysis to stop
"""

from collections.abc import Sequence
from typing import ClassVar


class StockcrewError(Exception):
    """Base of all. `code` is stable and snake_case, `retryable` says whether the same request may succeed later."""

    code: ClassVar[str] = "internal_error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_after_s = retry_after_s


class InputError(StockcrewError):
    """What the caller sent is wrong."""


class InvalidRequest(InputError):
    """A value is missing, malformed or unknown. `pointers` say where in the request, as JSON pointers such as `/documents/1`."""

    code = "invalid_request"

    def __init__(self, message: str, *, pointers: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.pointers = tuple(pointers)


class NotFound(InputError):
    """No such thing, or not the caller's."""

    code = "not_found"


class ReportNotReady(InputError):
    """The analysis has no report yet, or never will."""

    code = "report_not_ready"
    retryable = True


class NotCancelable(InputError):
    """The analysis has already ended."""

    code = "not_cancelable"


class DocumentUnreadable(InputError):
    """No text can be read from the document; the message says why and what to do."""

    code = "document_unreadable"


class DocumentInUse(InputError):
    """An analysis under way needs the document."""

    code = "document_in_use"


class AnalysisActive(InputError):
    """The analysis has not ended yet."""

    code = "analysis_active"
    retryable = True


class Gone(InputError):
    """It was here and is kept no longer."""

    code = "gone"


class UrlNotAllowed(InputError):
    """A webhook may not go to that address."""

    code = "url_not_allowed"


class QuotaExceeded(InputError):
    """A limit of the API key is reached. `policy` names it, `limit` is its size in `unit`s in each window of `window_s` seconds.

    `retry_after_s` is None where waiting alone does not help.
    """

    code = "quota_exceeded"
    retryable = True

    def __init__(
        self, message: str, *, policy: str, limit: int, window_s: int | None = None, unit: str | None = None, retry_after_s: float | None
    ) -> None:
        super().__init__(message, retry_after_s=retry_after_s)
        self.policy = policy
        self.limit = limit
        self.window_s = window_s
        self.unit = unit


class ResourceChanged(InputError):
    """Somebody else changed it meanwhile."""

    code = "precondition_failed"


class ResourceInUse(InputError):
    """Its state, or something that depends on it, stands in the way."""

    code = "conflict"


class ConfigurationError(StockcrewError):
    """What the operator set is wrong; the message says what to set."""

    code = "configuration_error"


class BlueprintError(ConfigurationError):
    """agents.yaml or tasks.yaml is wrong; the message says file, line, field and the nearest valid name."""

    code = "blueprint_error"


class MarketDataError(StockcrewError):
    """Market data could not be had."""

    code = "market_data_error"


class SymbolNotFound(MarketDataError):
    """The provider knows no such instrument."""

    code = "symbol_not_found"


class MarketDataUnavailable(MarketDataError):
    """The provider cannot be reached or answers rubbish."""

    code = "market_data_unavailable"
    retryable = True


class MarketDataRateLimited(MarketDataError):
    """The provider refuses for now."""

    code = "market_data_rate_limited"
    retryable = True


class StaleData(MarketDataError):
    """There is nothing to say as of that day: no price that old, or none any more."""

    code = "stale_data"


class AgentError(StockcrewError):
    """The crew could not do its work."""

    code = "agent_error"


class ModelUnavailable(AgentError):
    """The model cannot be reached or keeps failing."""

    code = "model_unavailable"
    retryable = True


class ModelRateLimited(AgentError):
    """The model provider refuses for now."""

    code = "model_rate_limited"
    retryable = True


class ModelRejected(AgentError):
    """The provider refuses the key or the request."""

    code = "model_rejected"


class OutputInvalid(AgentError):
    """The model's answers cannot be used even after the repair round."""

    code = "output_invalid"
    retryable = True


class BudgetExceeded(AgentError):
    """The cap in tokens or money is reached."""

    code = "budget_exceeded"


class DeadlineExceeded(AgentError):
    """The analysis ran out of time."""

    code = "deadline_exceeded"
    retryable = True


class ServiceError(StockcrewError):
    """The service itself cannot work."""

    code = "service_error"
    retryable = True


class StoreUnavailable(ServiceError):
    """The database cannot be reached or written."""

    code = "store_unavailable"


class WorkerAlreadyRunning(ServiceError):
    """A second worker on one SQLite file."""

    code = "worker_already_running"
    retryable = False


class Overloaded(ServiceError):
    """The queue or a limit is full."""

    code = "overloaded"


class RunCanceled(StockcrewError):
    """Somebody asked the analysis to stop."""

    code = "canceled"
