"""What besides the request decides what a report says: the crew's files, the models behind it, the market data, the code."""

import hashlib
import json
import threading

from crew import __version__
from crew.agents.names import RULES, candidates
from crew.blueprint.depth import ensure_offered
from crew.blueprint.loader import load_blueprint
from crew.blueprint.model import Blueprint
from crew.domain.analysis import AnalysisRequest
from crew.settings import Settings


class Configuration:
    """The hash of the configuration in force. agents.yaml and tasks.yaml are read again when they have changed.

    Args:
        settings: name the files, the models and the market data.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._known: tuple[tuple[int, ...], str, Blueprint] | None = None

    def hash(self) -> str:
        """SHA-256 over everything that two analyses of one request must share to be the same.

        Raises:
            BlueprintError: one of the two files is wrong.
        """
        return self._current()[0]

    def costs(self, model: str | None) -> bool:
        """Whether an analysis that asks for `model`, or for none in particular, may call a model that is paid for.

        Raises:
            BlueprintError: one of the two files is wrong.
        """
        named = {agent.model for agent in self._current()[1].agents.values()}
        return any(candidates(name, override=model, settings=self._settings) != (RULES,) for name in named)

    def ensure_offered(self, request: AnalysisRequest) -> None:
        """Check that the crew can work as `request` asks.

        Raises:
            InvalidRequest: its files define no such depth, or no emphasis for a focus.
            BlueprintError: one of the two files is wrong.
        """
        if request.depth != "standard" or request.focus:
            ensure_offered(self._current()[1], request.depth, request.focus)

    def _current(self) -> tuple[str, Blueprint]:
        """The hash, and the crew."""
        settings = self._settings
        files = (settings.agents_file, settings.tasks_file)
        seen = tuple(file.stat().st_mtime_ns if file.exists() else 0 for file in files)
        with self._lock:
            if self._known is None or self._known[0] != seen:
                self._known = (seen, *self._read())
            return self._known[1:]

    def _read(self) -> tuple[str, Blueprint]:
        settings = self._settings
        blueprint = load_blueprint(settings.agents_file, settings.tasks_file)
        content = {
            "crew": blueprint.config_hash,
            "models": {name: candidates(agent.model, override=None, settings=settings) for name, agent in blueprint.agents.items()},
            "base_url": settings.model_base_url,
            "market_data": settings.market_data,
            "code": __version__,
        }
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest(), blueprint
