"""A stand-in for kubectl and the Deployment controller, with its state in a file: `kubectl.py STATE ARGUMENTS...`.

`apply` gives every Deployment the template that the release's kustomization annotates: a template that was there before is an older ReplicaSet with a
new revision, as on a cluster. `rollout undo --to-revision` does the same with a template by number.
"""

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

NAMES = ("stockcrew-api", "stockcrew-worker")
_LABELS = {"app.kubernetes.io/part-of": "stockcrew"}
_REVISION = "deployment.kubernetes.io/revision"
_RELEASE = "stockcrew/release"

Document = dict[str, Any]


class Cluster:
    """Deployments and ReplicaSets. `calls` are the commands so far; a command with all words of one entry of `failing` fails."""

    def __init__(self, file: Path) -> None:
        self._file = file
        kept = json.loads(file.read_text()) if file.exists() else {}
        self.items: list[Document] = kept.get("items", [])
        self.calls: list[str] = kept.get("calls", [])
        self.failing: list[str] = kept.get("failing", [])
        self.applied: list[str] = kept.get("applied", [])
        self.config_file: str = kept.get("config_file", "")
        self.config: list[str] = kept.get("config", [])

    def note(self, call: str) -> None:
        """Keep the command, and how the file with the credentials looked."""
        self.calls.append(call)
        self.config_file = os.environ.get("KUBECONFIG", "")
        if self.config_file:
            file = Path(self.config_file)
            self.config = [f"{file.stat().st_mode & 0o777:o}", file.read_text().strip()]

    def save(self) -> None:
        """Keep the state for the next call."""
        self._file.write_text(json.dumps({name: value for name, value in vars(self).items() if name != "_file"}))

    def one(self, kind: str, name: str) -> Document:
        """A document by kind and name."""
        return next(item for item in self.items if (item["kind"], item["metadata"]["name"]) == (kind, name))

    def replicasets(self, deployment: str) -> list[Document]:
        """Those of a Deployment."""
        return [item for item in self.items if item["kind"] == "ReplicaSet" and item["metadata"]["ownerReferences"][0]["uid"] == deployment]

    def releases(self) -> dict[str, str]:
        """What each Deployment runs."""
        return {item["metadata"]["name"]: self.current(item["metadata"]["name"]) for item in self.items if item["kind"] == "Deployment"}

    def current(self, deployment: str) -> str:
        """The release that a Deployment runs."""
        number = self.one("Deployment", deployment)["metadata"]["annotations"][_REVISION]
        found = next(one for one in self.replicasets(deployment) if one["metadata"]["annotations"][_REVISION] == number)
        return str(found["spec"]["template"]["metadata"]["annotations"].get(_RELEASE, ""))

    def roll_out(self, deployment: str, release: str) -> None:
        """Give a Deployment the template of a release."""
        owned = self.replicasets(deployment)
        numbers = [int(one["metadata"]["annotations"][_REVISION]) for one in owned]
        known = next((one for one in owned if one["spec"]["template"]["metadata"]["annotations"].get(_RELEASE, "") == release), None)
        if known is not None and int(known["metadata"]["annotations"][_REVISION]) == max(numbers):
            return
        number = str(max(numbers, default=0) + 1)
        if known is None:
            meta = {"name": f"{deployment}-{len(owned) + 1}", "labels": {**_LABELS}, "annotations": {}, "ownerReferences": [{"uid": deployment}]}
            template = {"metadata": {"annotations": {_RELEASE: release} if release else {}}}
            known = {"kind": "ReplicaSet", "metadata": meta, "spec": {"template": template}}
            self.items.append(known)
        known["metadata"]["annotations"][_REVISION] = number
        self.one("Deployment", deployment)["metadata"]["annotations"][_REVISION] = number

    def create(self) -> None:
        """The Deployments, before their first rollout."""
        for name in NAMES:
            labels = {**_LABELS, "app.kubernetes.io/component": name.removeprefix("stockcrew-")}
            meta = {"name": name, "uid": name, "labels": labels, "annotations": {}}
            self.items.append({"kind": "Deployment", "metadata": meta})


def apply(cluster: Cluster, folder: str) -> None:
    """Apply a release's kustomization."""
    text = (Path(folder) / "kustomization.yaml").read_text()
    cluster.applied = text.splitlines()
    release = re.findall(r'stockcrew/release: "(\w+)"', text)[0]
    if not cluster.items:
        cluster.create()
    for name in NAMES:
        cluster.roll_out(name, release)


def undo(cluster: Cluster, name: str, revision: str) -> None:
    """Give a Deployment the template of one of its revisions."""
    owned = cluster.replicasets(name)
    found = next(one for one in owned if one["metadata"]["annotations"][_REVISION] == revision)
    cluster.roll_out(name, found["spec"]["template"]["metadata"]["annotations"].get(_RELEASE, ""))


def label(cluster: Cluster, name: str, change: str) -> None:
    """Set a label, or take it away (`key-`)."""
    labels = cluster.one("ReplicaSet", name)["metadata"]["labels"]
    if change.endswith("-"):
        labels.pop(change[:-1], None)
    else:
        key, _, value = change.partition("=")
        labels[key] = value


def answer(cluster: Cluster, words: list[str]) -> int:
    """Do what kubectl would; the exit code."""
    match words:
        case ["kustomize", *_]:
            print("kind: List")
        case ["apply", "--kustomize", folder]:
            apply(cluster, folder)
        case ["get", "deployments,replicasets", *_]:
            print(json.dumps({"kind": "List", "items": cluster.items}))
        case ["get", "deployment", *_]:
            print("\n".join(f"deployment.apps/{item['metadata']['name']}" for item in cluster.items if item["kind"] == "Deployment"))
        case ["rollout", "undo", name, "--to-revision", revision]:
            undo(cluster, name.rpartition("/")[2], revision)
        case ["label", "replicaset", name, change]:
            label(cluster, name, change)
        case ["rollout", "status", *_] | ["wait", *_] | ["delete", *_]:
            pass
        case _:
            print(f"the stand-in does not know: kubectl {' '.join(words)}", file=sys.stderr)
            return 1
    return 0


def main(file: str, arguments: list[str]) -> int:
    """Answer one command, unless it is to fail."""
    cluster = Cluster(Path(file))
    words = [word for word in arguments if word not in {"--namespace", "stockcrew", "--overwrite"}]
    cluster.note(" ".join(words))
    is_failing = any(all(word in words for word in failing.split()) for failing in cluster.failing)
    try:
        return 1 if is_failing else answer(cluster, words)
    finally:
        cluster.save()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
