"""Run the rendered staging API under `podman play kube`: `kube_check.py --engine PREFIX --api TAG --manifest FILE --database URL --redis URL`.

The migration's pod first, then the API's Deployment with its ConfigMap, Secret and restrictions as they are. Changed is only what a cluster would
give: the host's network and its ports by number, the image by its local name, a Secret made beforehand, one pod of no named size.
"""

import argparse
import base64
import json
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml
from image_check import Engine, Service, Wrong, expect, free_port

START_S = 240


class Kube:
    """`podman play kube` with documents of one rendered overlay."""

    def __init__(self, engine: Engine, documents: list[dict[str, Any]], image: str, port: int) -> None:
        self._engine, self._documents, self._image, self._port = engine, documents, image, port

    def pod_of(self, name: str) -> dict[str, Any]:
        """The document `name` as a Pod that this machine can run, restrictions untouched."""
        (document,) = (one for one in self._documents if one["metadata"]["name"] == name and one["kind"] in {"Deployment", "Job"})
        template = document["spec"]["template"]
        spec, (container,) = template["spec"], template["spec"]["containers"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            if probe in container:
                container[probe]["httpGet"]["port"] = self._port
        container.pop("lifecycle", None)  # podman 4 knows no `sleep` action
        container["image"], container["imagePullPolicy"] = self._image, "Never"
        spec["hostNetwork"], spec["restartPolicy"] = True, "Never"
        container["ports"] = []
        return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": template["metadata"]["labels"]}, "spec": spec}

    def play(self, name: str) -> str:
        """Start it; the name of its container."""
        maps = [one for one in self._documents if one["kind"] == "ConfigMap"]
        for one in maps:
            one["data"] |= {"PORT": str(self._port)}
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            yaml.safe_dump_all([*maps, self.pod_of(name)], file)
            file.flush()
            self._engine.call("play", "kube", "--log-driver", "k8s-file", file.name)
        return f"{name}-{name.removeprefix('stockcrew-')}"


def check(kube: Kube, engine: Engine, port: int, key: str) -> None:
    """Migration, then the API.

    Raises:
        Wrong: something does not hold.
    """
    migration = Service(engine, kube.play("stockcrew-migrate"), port)
    code = engine.call("wait", migration.name, timeout=START_S).stdout.strip()
    expect(code == "0", f"the migration's pod ends with exit code 0{'' if code == '0' else f', not {code}: {migration.log()[-800:]}'}")

    service = Service(engine, kube.play("stockcrew-api"), port)
    service.key = key
    service.await_ready("degraded")
    expect(True, "the API's pod answers /readyz with `degraded`: database and queue are there, no worker yet")
    expect(service.request("/livez")[0] == 200 and b"stockcrew_http_requests_total" in service.request("/metrics")[1], "/livez and /metrics answer")
    status, body = service.request("/v1/analyses", {"symbol": "AAPL"})
    expect(status == 202, f"POST of a ticker with the bootstrap key answers 202 {'' if status == 202 else body[:300].decode()}")
    inside = json.loads(service.execute("python", "-c", WITHIN).stdout)
    expect(
        inside["uid"] == 10001 and int(inside["CapEff"], 16) == 0 and inside["NoNewPrivs"] == "1",
        "inside: user 10001, no capability, no new privileges",
    )
    expect(inside["writable"] == ["/data", "/tmp"], f"only /data and /tmp can be written: {inside['writable']}")  # noqa: S108 - the container's own
    service.stop()


WITHIN = """
import json, os, tempfile
facts = dict(line.strip().split(':', 1) for line in open('/proc/self/status') if ':' in line)
def writable(folder):
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
facts = {name: value.strip() for name, value in facts.items()}
print(json.dumps({'uid': os.getuid(), 'CapEff': facts['CapEff'], 'NoNewPrivs': facts['NoNewPrivs'],
                  'writable': [f for f in ('/', '/app', '/data', '/etc', '/opt/venv', '/tmp', '/usr') if writable(f)]}))
"""


def main() -> int:
    """Run the check; 1 with a sentence when something is wrong."""
    parser = argparse.ArgumentParser()
    for name in ("--engine", "--api", "--manifest", "--database", "--redis"):
        parser.add_argument(name, required=True)
    options = parser.parse_args()
    engine, port = Engine(options.engine), free_port()
    kube = Kube(engine, [one for one in yaml.safe_load_all(Path(options.manifest).read_text()) if one], options.api, port)
    values = {"STOCKCREW_SECRET_KEY": secrets.token_urlsafe(40), "DATABASE_URL": options.database, "REDIS_URL": options.redis}
    key = engine.call("run", "--rm", "--network", "none", options.api, "stockcrew", "keys", "generate").stdout.strip()
    values["STOCKCREW_BOOTSTRAP_KEY"] = key
    with tempfile.NamedTemporaryFile("w") as file:
        json.dump({name: base64.b64encode(value.encode()).decode() for name, value in values.items()}, file)
        file.flush()
        engine.call("secret", "create", "stockcrew", file.name)
    began = time.monotonic()
    try:
        check(kube, engine, port, key)
        print(f"  under `podman play kube` within {time.monotonic() - began:.0f} s")
    except (Wrong, subprocess.TimeoutExpired) as error:
        print(f"kubernetes: {error}", file=sys.stderr)
        return 1
    finally:
        for name in ("stockcrew-migrate", "stockcrew-api"):
            engine.call("pod", "rm", "--force", name, check=False)
        engine.call("secret", "rm", "stockcrew", check=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
