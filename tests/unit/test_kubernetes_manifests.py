"""The rendered Kubernetes manifests: settings that exist, probes, locked-down pods, alerts with a runbook, metrics that the code has."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from api.metrics import HttpMetrics
from crew.jobs.metrics import WorkerMetrics
from crew.settings import Settings
from deploy.k8s import settings_env

ROOT = Path(__file__).resolve().parents[2]
K8S = ROOT / "deploy/k8s"
OVERLAYS = sorted(path.parent.name for path in K8S.glob("overlays/*/kustomization.yaml"))
POD_KINDS = {"Deployment", "Job"}
SECRETS = {
    "STOCKCREW_SECRET_KEY": "k" * 44,
    "DATABASE_URL": "postgresql://u:p@host/db",
    "REDIS_URL": "redis://host:6379",
    "STOCKCREW_BOOTSTRAP_KEY": "sk_production_x",
}
FOREIGN_METRICS = {"kube_horizontalpodautoscaler_status_current_replicas", "kube_horizontalpodautoscaler_spec_max_replicas"}
needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed; stage 65 of the gate fails without it")


@cache
def rendered(overlay: str) -> tuple[dict[str, Any], ...]:
    """The documents of one overlay."""
    done = subprocess.run(["kubectl", "kustomize", str(K8S / "overlays" / overlay)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def _of_kind(overlay: str, *kinds: str) -> dict[str, dict[str, Any]]:
    return {document["metadata"]["name"]: document for document in rendered(overlay) if document["kind"] in kinds}


def _pods(overlay: str) -> Iterator[tuple[str, dict[str, Any], dict[str, str]]]:
    """Each pod's name, specification and environment, with stand-ins for secrets."""
    maps = _of_kind(overlay, "ConfigMap")
    for name, document in _of_kind(overlay, *POD_KINDS).items():
        pod = document["spec"]["template"]["spec"]
        values: dict[str, str] = {}
        for source in pod["containers"][0]["envFrom"]:
            values |= maps[source["configMapRef"]["name"]]["data"] if "configMapRef" in source else {}
        for variable in pod["containers"][0]["env"]:
            reference = variable.get("valueFrom", {}).get("secretKeyRef")
            assert reference is None or (reference["name"], reference["key"]) == ("stockcrew", variable["name"])
            values[variable["name"]] = SECRETS[variable["name"]] if reference else variable["value"]
        yield name, pod, values


@needs_kubectl
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_are_given_settings_that_exist_and_fit(overlay: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No name is misspelt, the values make valid production settings, and what drains does so within the grace period."""
    image = dict(re.findall(r"^\s+(STOCKCREW_\w+)=(\S+)", (ROOT / "Dockerfile").read_text(), re.MULTILINE))
    pods = list(_pods(overlay))
    for name, pod, values in pods:
        with monkeypatch.context() as environment:
            for known in settings_env.names():
                environment.delenv(known, raising=False)
            for key, value in {**image, **values}.items():
                environment.setenv(key, value)
            settings = Settings()

        assert set(values) - set(settings_env.names()) == set(), name
        assert settings.env == "production"
        assert not settings.is_sqlite
        assert pod.get("terminationGracePeriodSeconds", 30) >= settings.drain_s + 10

    assert sorted(name for name, *_ in pods) == ["stockcrew-api", "stockcrew-migrate", "stockcrew-worker"]


def test_every_setting_can_be_found_where_an_operator_looks() -> None:
    """And back: settings.env is what `python -m deploy.k8s.settings_env` writes, which names every setting, set or with its default."""
    assert settings_env.FILE.read_text() == settings_env.text(), "run `python -m deploy.k8s.settings_env`"

    named = set(re.findall(r"^(?:# )?([A-Z_]+)=", settings_env.text(), re.MULTILINE))
    elsewhere = settings_env.ELSEWHERE | settings_env.OF_THE_IMAGE
    assert named | elsewhere == set(settings_env.names())
    assert not named & elsewhere


@needs_kubectl
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_pods_are_locked_down(overlay: str) -> None:
    """Each container is restricted, knows its bounds of memory, and gets no token of the cluster nor variables of its Services."""
    for name, pod, _ in _pods(overlay):
        (container,) = pod["containers"]
        assert pod["securityContext"] | {"fsGroup": 0} == {
            "runAsNonRoot": True,
            "runAsUser": 10001,
            "runAsGroup": 10001,
            "fsGroup": 0,
            "seccompProfile": {"type": "RuntimeDefault"},
        }, name
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert pod["automountServiceAccountToken"] is pod["enableServiceLinks"] is False
        assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        assert container["resources"]["limits"].keys() == {"memory"}
        assert {mount["mountPath"] for mount in container["volumeMounts"]} == {"/data", "/tmp"}


@needs_kubectl
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_what_runs_on_is_probed_spread_and_kept_up(overlay: str) -> None:
    """Probes ask what they should, rollouts take nothing away, disruptions take one pod at a time."""
    api, worker = (_of_kind(overlay, "Deployment")[f"stockcrew-{part}"]["spec"] for part in ("api", "worker"))
    (door,), (hands,) = (deployment["template"]["spec"]["containers"] for deployment in (api, worker))

    assert [door[probe]["httpGet"]["path"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")] == ["/livez", "/livez", "/readyz"]
    assert {tuple(hands[f"{probe}Probe"]["exec"]["command"]) for probe in ("startup", "liveness", "readiness")} == {
        ("python", "-m", "crew.healthcheck", "worker")
    }
    for deployment in (api, worker):
        assert deployment["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
        assert len(deployment["template"]["spec"]["topologySpreadConstraints"]) == 2
    assert {budget["spec"]["maxUnavailable"] for budget in _of_kind(overlay, "PodDisruptionBudget").values()} == {1}
    assert "replicas" not in api


@needs_kubectl
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_a_deployment_has_one_autoscaler(overlay: str) -> None:
    """KEDA makes an autoscaler of its own: what it scales has no other and no fixed number."""
    scaled = [document["spec"]["scaleTargetRef"]["name"] for document in _of_kind(overlay, "HorizontalPodAutoscaler").values()]
    by_keda = [document["spec"]["scaleTargetRef"]["name"] for document in _of_kind(overlay, "ScaledObject").values()]

    assert len(set(scaled + by_keda)) == len(scaled + by_keda)
    for name in by_keda:
        assert "replicas" not in _of_kind(overlay, "Deployment")[name]["spec"]


@needs_kubectl
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_network_is_closed_but_for_what_is_named(overlay: str) -> None:
    """Everything is denied; the worker reaches the internet but no private address; selectors meet pods that exist."""
    policies = _of_kind(overlay, "NetworkPolicy")
    (internet,) = policies["worker"]["spec"]["egress"]
    pods = [document["spec"]["template"]["metadata"]["labels"] for document in _of_kind(overlay, *POD_KINDS).values()]

    assert policies["deny-all"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"} <= set(internet["to"][0]["ipBlock"]["except"])
    for name in set(policies) - {"deny-all", "load-test"}:
        wanted = policies[name]["spec"]["podSelector"]["matchLabels"]
        assert any(wanted.items() <= labels.items() for labels in pods), name


def _public_paths(overlay: str) -> dict[str, bool]:
    """The paths that the Ingress or the HTTPRoute lets in, with whether what is under them comes in as well."""
    ingresses = _of_kind(overlay, "Ingress").values()
    by_ingress = {path["path"]: path["pathType"] == "Prefix" for one in ingresses for rule in one["spec"]["rules"] for path in rule["http"]["paths"]}
    routes = _of_kind(overlay, "HTTPRoute").values()
    matches = [match["path"] for one in routes for rule in one["spec"]["rules"] for match in rule["matches"]]
    return by_ingress | {path["value"]: path["type"] == "PathPrefix" for path in matches}


@needs_kubectl
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_outside_reaches_the_api_but_not_its_metrics(overlay: str) -> None:
    """Every path of the OpenAPI document is under a prefix that is let in, but for /metrics, which Prometheus asks the Service for."""
    described = json.loads((ROOT / "api/openapi.snapshot.json").read_text())["paths"]
    public = _public_paths(overlay)

    def is_public(path: str) -> bool:
        return any(path == let_in or (with_more and path.startswith(let_in + "/")) for let_in, with_more in public.items())

    assert {path for path in (*described, "/static/docs.css") if not is_public(path)} == {"/metrics"}
    assert {let_in for let_in in public if not any(f"{path}/".startswith(f"{let_in}/") for path in (*described, "/static"))} == set()


@needs_kubectl
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_no_secret_is_in_the_manifests(overlay: str) -> None:
    """Secrets come from outside, and only the worker sees the model's keys."""
    assert not _of_kind(overlay, "Secret")
    for name, pod, values in _pods(overlay):
        from_secrets = [source["secretRef"]["name"] for source in pod["containers"][0]["envFrom"] if "secretRef" in source]
        assert from_secrets == (["stockcrew-model"] if name == "stockcrew-worker" else [])
        assert ("STOCKCREW_BOOTSTRAP_KEY" in values) == (name == "stockcrew-migrate")


def _samples_of_the_code() -> set[str]:
    """Every sample name that API and worker can expose."""

    def names(registry: CollectorRegistry) -> Iterator[str]:
        for family in registry.collect():
            suffixes = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum")}.get(family.type, ("",))
            yield from (family.name + suffix for suffix in suffixes)

    return set(names(HttpMetrics().registry)) | set(names(WorkerMetrics().registry))


def _rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((K8S / "components/monitoring/rules.yaml").read_text())["spec"]["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in _rules())
    dashboard = json.loads((K8S / "components/monitoring/dashboard.json").read_text())
    yield from (target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    template = yaml.safe_load((K8S / "overlays/argo-rollouts/analysistemplate.yaml").read_text())
    yield from (metric["provider"]["prometheus"]["query"] for metric in template["spec"]["metrics"])


def test_every_metric_of_rules_and_dashboard_exists_in_the_code() -> None:
    """Each name is a sample of the code, a recording rule, or kube-state-metrics' own; the adapter gives what the autoscaler asks for."""
    recorded = {rule["record"] for rule in _rules() if "record" in rule}
    named = {name for expression in _expressions() for name in re.findall(r"\b(?:stockcrew|kube)[a-z0-9_]*[:_][a-z0-9_:]+", expression)}

    assert named - {"stockcrew_role"} - recorded - FOREIGN_METRICS - _samples_of_the_code() == set()
    assert len(named) > 15
    (adapter,) = yaml.safe_load((K8S / "components/monitoring/adapter-values.yaml").read_text())["rules"]["external"]
    assert any(f'"{name}"' in adapter["seriesQuery"] for name in recorded)
    assert adapter["name"]["as"] in (K8S / "components/monitoring/kustomization.yaml").read_text()


def _alert_links(manifest: str) -> dict[str, str]:
    documents = [one for one in yaml.safe_load_all(manifest) if one["kind"] == "PrometheusRule"]
    rules = [rule for one in documents for group in one["spec"]["groups"] for rule in group["rules"]]
    return {rule["alert"]: rule["annotations"]["runbook_url"] for rule in rules if "alert" in rule}


@needs_kubectl
@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, "docs/operations.md"),
        ({"RUNBOOK_URL": "https://wiki.example.com/stockcrew"}, "https://wiki.example.com/stockcrew"),
        (
            {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "me/fork", "GITHUB_SHA": "a1b2"},
            "https://github.com/me/fork/blob/a1b2/docs/operations.md",
        ),
    ],
)
def test_a_release_leads_alerts_to_the_runbook_of_its_own(environment: dict[str, str], expected: str) -> None:
    """By default the path in the repository; where a pipeline runs, the page at the commit that is deployed; or wherever the operator says."""
    script = 'source deploy/k8s/release.sh; write_release "$FOLDER" production; kubectl kustomize "$FOLDER"'
    with tempfile.TemporaryDirectory(prefix=".release.", dir=K8S) as folder:
        images = {"DOCKERHUB_USERNAME": "me", "DIGEST_ALL": f"sha256:{'a' * 64}", "DIGEST_API": f"sha256:{'b' * 64}"}
        names = {"PATH": os.environ["PATH"], "FOLDER": folder, **images, **environment}
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=ROOT, env=names, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr

    links = _alert_links(done.stdout)
    assert links == {alert: f"{expected}#{alert.lower()}" for alert in links}
    assert len(links) > 10
    assert "stockcrew-runbook" not in done.stdout


def test_every_alert_leads_to_its_runbook_and_is_tested() -> None:
    """The alert's section exists in docs/operations.md, its link leads there, and a unit test sees it fire."""
    headings = {heading.lower() for heading in re.findall(r"^#+ (\S+)$", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)}
    tests = yaml.safe_load((K8S / "components/monitoring/rules-test.yaml").read_text())["tests"]
    fired = {one["alertname"] for test in tests for one in test["alert_rule_test"] if one["exp_alerts"]}
    alerts = {rule["alert"]: rule["annotations"]["runbook_url"].rpartition("docs/operations.md#")[2] for rule in _rules() if "alert" in rule}

    assert alerts == {name: name.lower() for name in alerts}
    assert set(alerts.values()) - headings == set()
    assert set(alerts) == fired
