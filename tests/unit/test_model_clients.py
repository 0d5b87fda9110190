"""Models by name: the client and endpoint each gets, and which variable an error names when one is missing."""

from pathlib import Path

import pytest

from crew.agents.run import warm
from crew.errors import ConfigurationError
from crew.settings import Settings

KEYS = (
    "OPENAI_API_KEY", "OPENAI_BASE_URL", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_CLOUD_PROJECT", "AZURE_API_KEY",
    "AZURE_ENDPOINT", "AZURE_OPENAI_ENDPOINT", "AZURE_API_BASE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "OPENROUTER_API_KEY",
    "DEEPSEEK_API_KEY", "OLLAMA_HOST",
)  # fmt: skip


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A data folder for CrewAI's files."""
    made = Settings(data_dir=tmp_path_factory.mktemp("data"))
    warm(made.data_dir)
    return made


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No key of the machine is seen."""
    from crew.agents.models import forget_clients

    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    forget_clients()


@pytest.mark.parametrize(
    ("model", "variable"),
    [
        ("openai/gpt-5-mini", "OPENAI_API_KEY"),
        ("anthropic/claude-sonnet-4-5", "ANTHROPIC_API_KEY"),
        ("gemini/gemini-2.5-flash", "GEMINI_API_KEY"),
        ("azure/gpt-4o", "AZURE_ENDPOINT"),
        ("bedrock/anthropic.claude-3-5-sonnet-20241022-v2:0", "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"),
        ("openrouter/meta-llama/llama-3-70b", "OPENROUTER_API_KEY"),
        ("deepseek/deepseek-chat", "DEEPSEEK_API_KEY"),
    ],
)
def test_a_missing_variable_is_named(model: str, variable: str, settings: Settings) -> None:
    """The error names the model and the variable, in one line."""
    from crew.agents.models import make_model

    with pytest.raises(ConfigurationError) as raised:
        make_model(model, settings, max_output_tokens=100)
    assert model in raised.value.message
    assert f"set {variable}" in raised.value.message
    assert "\n" not in raised.value.message


def test_azure_asks_for_its_key_after_its_endpoint(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the endpoint set the key is what is missing."""
    from crew.agents.models import make_model

    monkeypatch.setenv("AZURE_ENDPOINT", "https://mine.openai.azure.com")
    with pytest.raises(ConfigurationError, match="AZURE_API_KEY"):
        make_model("azure/gpt-4o", settings, max_output_tokens=100)


@pytest.mark.parametrize("model", ["groq/llama", "openai/nobody-knows-it"])
def test_a_model_without_a_client_says_what_there_is(model: str, settings: Settings) -> None:
    """An unknown prefix, or an unknown model of OpenAI's without a URL of one's own, tells both ways out."""
    from crew.agents.models import make_model

    with pytest.raises(ConfigurationError, match=r"no client for it: use .*anthropic.*OPENAI_BASE_URL"):
        make_model(model, settings, max_output_tokens=100)


@pytest.mark.parametrize(
    ("model", "key", "endpoint"),
    [
        ("openrouter/meta-llama/llama-3-70b", "OPENROUTER_API_KEY", "https://openrouter.ai/api/v1"),
        ("deepseek/deepseek-chat", "DEEPSEEK_API_KEY", "https://api.deepseek.com/v1"),
        ("ollama/llama3.2", "OLLAMA_API_KEY", "http://localhost:11434/v1"),
    ],
)
def test_compatible_providers_have_their_own_address(
    model: str, key: str, endpoint: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each goes to its own endpoint with its own key, whatever OpenAI's variables say."""
    from crew.agents.models import make_model

    monkeypatch.setenv(key, "its-own")
    made = make_model(model, settings.model_copy(update={"model_base_url": "http://127.0.0.1:1/v1"}), max_output_tokens=100)
    assert (made.base_url, made.api_key) == (endpoint, "its-own")
    assert (made.max_retries, made.timeout) == (0, settings.model_timeout_s)  # type: ignore[attr-defined]


def test_an_azure_deployment_is_part_of_the_address(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model's name is the deployment's."""
    from crew.agents.models import make_model

    monkeypatch.setenv("AZURE_ENDPOINT", "https://mine.openai.azure.com")
    monkeypatch.setenv("AZURE_API_KEY", "k")
    made = make_model("azure/gpt-4o", settings, max_output_tokens=100)
    assert made.endpoint == "https://mine.openai.azure.com/openai/deployments/gpt-4o"  # type: ignore[attr-defined]


def test_any_compatible_url_needs_no_key(settings: Settings) -> None:
    """A server of one's own serves any name without a key."""
    from crew.agents.models import make_model

    made = make_model("openai/my-own", settings.model_copy(update={"model_base_url": "http://127.0.0.1:1/v1"}), max_output_tokens=100)
    assert made.base_url == "http://127.0.0.1:1/v1"


def test_usage_of_two_objects_of_one_model_is_apart(settings: Settings) -> None:
    """Each run counts from nought though the connection is shared."""
    from crew.agents.models import make_model

    one, two = (make_model("ollama/llama3.2", settings, max_output_tokens=100) for _ in range(2))
    one._track_token_usage_internal({"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6})
    assert one.get_token_usage_summary().prompt_tokens == 5
    assert two.get_token_usage_summary().prompt_tokens == 0
    assert one._client is two._client  # type: ignore[attr-defined]
