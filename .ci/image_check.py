"""Run the built images as production does: `python .ci/image_check.py --engine docker --all TAG --api TAG`; 1 at the first thing that is wrong."""

import argparse
import json
import secrets
import shlex
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

API_LAYERS_MB = 150
START_S, JOB_S, STOP_S = 300, 300, 10
LOCKED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--network", "host")
SECRET_NAMES = ("KEY", "TOKEN", "PASSWORD", "SECRET")
INSIDE = """
import importlib.util, pathlib, shutil
names = [str(p) for p in pathlib.Path('/').glob('**/*') if not str(p).startswith(('/proc', '/sys', '/dev'))]
bad = [n for n in names if n.endswith(('/.env', '/.git')) or n.startswith(('/app/tests', '/app/.ci', '/root/.cache', '/build')) or '/pip/cache' in n]
tools = [t for t in ('pip', 'gcc', 'cc', 'make', 'git', 'curl', 'k6') if shutil.which(t)]
heavy = [m for m in ('crewai', 'pandas', 'yfinance', 'langchain') if importlib.util.find_spec(m)]
print(__import__('json').dumps({'bad': bad, 'tools': tools, 'heavy': heavy, 'pip': bool(importlib.util.find_spec('pip'))}))
"""
MEMORY = """
import os, pathlib
for folder in sorted(pathlib.Path('/proc').glob('[0-9]*'), key=lambda path: int(path.name)):
    if int(folder.name) != os.getpid():
        facts = dict(line.split(':') for line in (folder / 'smaps_rollup').read_text().splitlines()[1:])
        whole, own = (int(facts[name].split()[0]) // 1024 for name in ('Pss', 'Pss_Anon'))
        command = (folder / 'cmdline').read_text().replace(chr(0), ' ').split('crew.cli ')[-1].strip()
        print(f"    {whole:4d} MB, of which {own:4d} MB are not from files: {command}")
"""


class Wrong(Exception):
    """The image does not do what it must; the message says what."""


def expect(holds: bool, what: str) -> None:
    """Say what was found good.

    Raises:
        Wrong: it is not.
    """
    if not holds:
        raise Wrong(what)
    print(f"  ok: {what}", flush=True)


class Engine:
    """Docker or podman by its command prefix, which may begin with NAME=VALUE."""

    def __init__(self, prefix: str) -> None:
        words = shlex.split(prefix)
        self._prefix = ["env", *words] if "=" in words[0] else words
        self.is_podman = any(Path(word).name == "podman" for word in words)

    def call(self, *arguments: str, check: bool = True, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run one command of the engine."""
        done = subprocess.run([*self._prefix, *arguments], capture_output=True, text=True, timeout=timeout, check=False)
        if check and done.returncode != 0:
            raise Wrong(f"{arguments[0]} failed: {done.stderr.strip()[-1500:]}")
        return done


class Service:
    """A running container with an address on loopback."""

    def __init__(self, engine: Engine, name: str, port: int) -> None:
        self.engine, self.name, self.base = engine, name, f"http://127.0.0.1:{port}"
        self.key = ""

    def execute(self, *command: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in the container."""
        return self.engine.call("exec", self.name, *command, check=check)

    def request(self, path: str, body: dict[str, Any] | None = None) -> tuple[int, bytes]:
        """Status and body of one request, 0 while nothing listens."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", "Accept": "application/json", "Authorization": f"Bearer {self.key}"}
        try:
            with urllib.request.urlopen(urllib.request.Request(self.base + path, data, headers), timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError:
            return 0, b""

    def await_ready(self, *wanted: str) -> None:
        """Wait until /readyz says one of `wanted`."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            status, body = self.request("/readyz")
            if status == 200 and json.loads(body)["status"] in wanted:
                return
            if self.state()["Status"] not in {"running", "created", "initialized", "configured"}:
                break
            time.sleep(0.3)
        raise Wrong(f"not ready: {self.request('/readyz')}; log: {self.log()[-2000:]}")

    def state(self) -> dict[str, Any]:
        """The engine's view of the container."""
        return dict(json.loads(self.engine.call("inspect", self.name).stdout)[0]["State"])

    def log(self) -> str:
        """Everything the container wrote."""
        done = self.engine.call("logs", self.name, check=False)
        return done.stdout + done.stderr

    def stop(self) -> None:
        """SIGTERM; the container must end with 0 within Docker's ten seconds."""
        began = time.monotonic()
        self.engine.call("stop", "--time", str(STOP_S), self.name)
        took, state = time.monotonic() - began, self.state()
        expect(state["ExitCode"] == 0, f"SIGTERM ends {self.name} with exit code 0 ({took:.1f} s)" + ("" if state["ExitCode"] == 0 else f": {state}"))


@contextmanager
def running(engine: Engine, tag: str, volume: str, environment: dict[str, str], *command: str) -> Iterator[Service]:
    """A locked-down container on the data volume, removed at the end."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    name = f"stockcrew-check-{secrets.token_hex(4)}"
    settings = {"PORT": str(port), "STOCKCREW_HOST": "127.0.0.1", "STOCKCREW_MARKET_DATA": "sample", **environment}
    with tempfile.NamedTemporaryFile("w", suffix=".env") as file:
        file.write("".join(f"{key}={value}\n" for key, value in settings.items()))
        file.flush()
        extra = ["--read-only-tmpfs=false"] if engine.is_podman else []
        engine.call("run", "--detach", "--name", name, *LOCKED, *extra, "--volume", f"{volume}:/data", "--env-file", file.name, tag, *command)
        try:
            yield Service(engine, name, port)
        finally:
            engine.call("rm", "--force", name, check=False)


def check_facts(engine: Engine, tag: str) -> None:
    """What the image says of itself."""
    facts = json.loads(engine.call("image", "inspect", tag).stdout)[0]
    config = facts["Config"]
    labels = {name.removeprefix("org.opencontainers.image.") for name in config["Labels"]}
    expect(config["User"] == "10001:10001", f"{tag} runs as user 10001")
    expect({"title", "description", "licenses", "version", "revision", "base.name"} <= labels, "it carries OCI labels")
    expect(
        not [name for name in (pair.split("=")[0] for pair in config["Env"]) if any(word in name for word in SECRET_NAMES) and name != "GPG_KEY"],
        "its environment holds no secret",
    )
    expect("Healthcheck" in config or "HealthCheck" in facts or "Healthcheck" in facts, "it has a health check")


def check_contents(service: Service, *, heavy: bool) -> None:
    """What is inside and what is not."""
    inside = json.loads(service.execute("python", "-c", INSIDE).stdout)
    expect(not inside["bad"], f"no caches, tests, repository or .env inside {inside['bad'][:5] or ''}")
    expect(not inside["tools"] and not inside["pip"], f"no build tools inside {inside['tools'] or ''}")
    expect(bool(inside["heavy"]) == heavy, f"{'the crew and its libraries are' if heavy else 'neither crewai nor pandas is'} inside")


def layers_mb(engine: Engine, tag: str) -> float:
    """Size of everything above the base image: the base's layers are older than ours and come last."""
    lines = engine.call("history", "--human=false", "--format", "{{.Size}}|{{.CreatedBy}}", "--no-trunc", tag).stdout.splitlines()
    sizes = [line.split("|", 1) for line in lines]
    first_of_ours = max(index for index, (_, created) in enumerate(sizes) if "LANG=C.UTF-8" in created and "/opt/venv" in created)
    return sum(_bytes(size) for size, _ in sizes[: first_of_ours + 1]) / 1e6


def _bytes(text: str) -> float:
    number, _, unit = text.partition(" ")
    return float(number) * {"": 1, "B": 1, "kB": 1e3, "MB": 1e6, "GB": 1e9}[unit]


def check_life(engine: Engine, tag: str, volume: str, secret: str) -> tuple[str, bytes, str]:
    """A first start on an empty volume, one analysis, an orderly end; the analysis's id, its report and the key."""
    with running(engine, tag, volume, {"STOCKCREW_SECRET_KEY": secret}) as service:
        began = time.monotonic()
        service.await_ready("ready")
        expect(True, f"read-only, without capabilities, on an empty volume: ready after {time.monotonic() - began:.1f} s")
        service.key = service.execute("stockcrew", "keys", "create", "check", "--scope", "read", "--scope", "run").stdout.strip()
        expect(service.request("/v1/analyses")[0] == 200, "a key made in the container is accepted")
        expect(service.execute("python", "-m", "crew.healthcheck", "all", check=False).returncode == 0, "the health check passes")
        expect(service.execute("touch", "/app/x", check=False).returncode != 0, "nothing outside the data volume can be written")
        analysis, report = _analyse(service)
        print(f"  memory after one analysis:\n{service.execute('python', '-c', MEMORY).stdout.rstrip()}")
        expect(secret not in service.log() and service.key not in service.log(), "neither secret key nor API key is in the log")
        check_contents(service, heavy=True)
        service.stop()
        return analysis, report, service.key


def _analyse(service: Service) -> tuple[str, bytes]:
    status, body = service.request("/v1/analyses", {"symbol": "AAPL"})
    expect(status == 202, f"POST of a ticker answers 202 ({body[:200].decode() if status != 202 else 'queued'})")
    analysis, began = json.loads(body)["id"], time.monotonic()
    state = "queued"
    while state in {"queued", "running"} and time.monotonic() - began < JOB_S:
        time.sleep(0.3)
        state = json.loads(service.request(f"/v1/analyses/{analysis}")[1])["status"]
    expect(state == "succeeded", f"the analysis is {state} after {time.monotonic() - began:.1f} s")
    status, report = service.request(f"/v1/analyses/{analysis}/report")
    expect(status == 200 and json.loads(report)["symbol"] == "AAPL", "the report can be read")
    return analysis, report


def check_second_life(engine: Engine, tag: str, volume: str, secret: str, made: tuple[str, bytes, str], *, heavy: bool) -> None:
    """A new container on the old volume has the report and knows the key; the API by itself is `degraded`, for want of a worker."""
    analysis, report, key = made
    with running(engine, tag, volume, {"STOCKCREW_SECRET_KEY": secret}) as service:
        service.key = key
        service.await_ready("ready", *(() if heavy else ("degraded",)))
        status, again = service.request(f"/v1/analyses/{analysis}/report")
        expect(status == 200 and json.loads(again) == json.loads(report), f"a new container of {tag} finds the report on the volume again")
        if not heavy:
            check_contents(service, heavy=False)
            data = service.execute("ls", "/app/crew/market/sample_data").stdout
            expect("DATA-NOTICE.md" in data and ".gz" not in data, "built with SAMPLE_DATA=omitted it has no sample data")
            expect(service.execute("python", "-m", "crew.healthcheck", "api", check=False).returncode == 0, "the API's health check passes")
        service.stop()


def check_worker(engine: Engine, tag: str, volume: str, secret: str) -> None:
    """The worker by itself: healthy by its heartbeat; SIGTERM while it starts, and while it works, ends it with 0."""
    settings = {"STOCKCREW_SECRET_KEY": secret, "STOCKCREW_HEARTBEAT_S": "1", "STOCKCREW_WORKER_METRICS_PORT": str(free_port())}
    with running(engine, tag, volume, settings, "stockcrew", "worker") as service:
        time.sleep(1)
        service.stop()
        engine.call("start", service.name)
        deadline, code = time.monotonic() + START_S, 1
        while code != 0 and time.monotonic() < deadline:
            code = service.execute("python", "-m", "crew.healthcheck", "worker", check=False).returncode
        expect(code == 0, f"the worker's health check passes {'' if code == 0 else service.log()[-1000:]}")
        service.stop()


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def check(engine: Engine, *, all_tag: str, api_tag: str, volume: str) -> None:
    """Every check in turn.

    Raises:
        Wrong: one does not hold.
    """
    secret = secrets.token_urlsafe(40)
    check_facts(engine, all_tag)
    check_facts(engine, api_tag)
    size = layers_mb(engine, api_tag)
    expect(size <= API_LAYERS_MB, f"{api_tag} has {size:.1f} MB of layers above the base, {API_LAYERS_MB} allowed")
    print(f"  {all_tag} has {layers_mb(engine, all_tag):.0f} MB above the base")
    made = check_life(engine, all_tag, volume, secret)
    check_second_life(engine, all_tag, volume, secret, made, heavy=True)
    check_second_life(engine, api_tag, volume, secret, made, heavy=False)
    check_worker(engine, all_tag, volume, secret)


def main() -> int:
    """Check the images; 1 with a sentence when something is wrong."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--engine", required=True, help="command prefix, such as `docker`")
    parser.add_argument("--all", required=True, dest="all_tag")
    parser.add_argument("--api", required=True, dest="api_tag")
    options = parser.parse_args()
    engine, volume = Engine(options.engine), f"stockcrew-check-{secrets.token_hex(4)}"
    engine.call("volume", "create", volume)
    try:
        check(engine, all_tag=options.all_tag, api_tag=options.api_tag, volume=volume)
    except Wrong as error:
        print(f"image: {error}", file=sys.stderr)
        return 1
    finally:
        engine.call("volume", "rm", "--force", volume, check=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
