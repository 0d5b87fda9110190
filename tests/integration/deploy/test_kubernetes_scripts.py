"""Releases to Kubernetes and back: the real scripts, against a kubectl and a Deployment controller of loopback's own."""

import base64
import os
import subprocess
import sys
from pathlib import Path

import pytest
from fakes.kubectl import NAMES, Cluster

ROOT = Path(__file__).resolve().parents[3]
CONFIG = "kind: Config"


class Desk:
    """Runs deploy and rollback; `releases` is what runs."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.state = folder, folder / "cluster.json"
        stub = folder / "kubectl"
        stub.write_text(f'#!/bin/sh\nexec {sys.executable} -IS {ROOT / "tests/fakes/kubectl.py"} {self.state} "$@"\n')
        stub.chmod(0o755)
        self.names: dict[str, str] = {}

    @property
    def cluster(self) -> Cluster:
        return Cluster(self.state)

    def run(self, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": f"{self.folder}:{os.environ['PATH']}", "HOME": str(self.folder), "KUBE_CONFIG": CONFIG, **variables}
        return subprocess.run(["bash", str(ROOT / "deploy" / script)], cwd=self.folder, env=environment, capture_output=True, text=True, timeout=60)

    def deploy(self, letter: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Deploy the release whose digests are all `letter`."""
        digests = {"DIGEST_ALL": f"sha256:{letter * 64}", "DIGEST_API": f"sha256:{letter * 64}"}
        done = self.run("k8s/deploy.sh", DOCKERHUB_USERNAME="me", **digests, **variables)
        if done.returncode == 0:
            (self.names[letter],) = set(self.cluster.releases().values())
        return done

    def rollback(self, target: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        return self.run("rollback/kubernetes.sh", ROLLBACK_TARGET=target, **variables)

    def running(self) -> set[str]:
        """The letters of the releases that run."""
        letters = {release: letter for letter, release in self.names.items()}
        return {letters.get(release, release) for release in self.cluster.releases().values()}

    def failing(self, *entries: str) -> None:
        """Let commands with all of these words fail."""
        cluster = self.cluster
        cluster.failing = list(entries)
        cluster.save()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A cluster on which the release b has followed the release a."""
    made = Desk(tmp_path)
    cluster = made.cluster
    cluster.create()
    for release in "ab":
        for name in NAMES:
            cluster.roll_out(name, release)
    cluster.save()
    return made


@pytest.mark.parametrize("given", [CONFIG, base64.b64encode(CONFIG.encode()).decode()])
def test_a_release_goes_by_digest_and_waits(tmp_path: Path, given: str) -> None:
    """Migration first, then every Deployment is waited for; the kubeconfig lies in a private file that is gone afterwards."""
    made = Desk(tmp_path)
    done = made.deploy("c", KUBE_CONFIG=given)
    cluster = made.cluster
    commands = [call.split()[0] for call in cluster.calls]

    assert done.returncode == 0, done.stderr
    assert commands == ["kustomize", "get", "delete", "apply", "wait", "get", "rollout", "rollout", "get", "label", "label"]
    assert f'  - {{name: stockcrew, newName: docker.io/me/stockcrew, digest: "sha256:{"c" * 64}"}}' in cluster.applied
    assert cluster.config == ["600", CONFIG]
    assert not Path(cluster.config_file).exists()
    assert not list((ROOT / "deploy/k8s").glob(".release.*"))


def test_the_reason_of_a_rollback_is_logged_as_one_plain_line(desk: Desk) -> None:
    """It comes from whoever asks, and a line of its own could be a command to the pipeline."""
    done = desk.rollback(ROLLBACK_REASON="slow\n::error::x")

    assert done.stderr == "rollback: slow::error::x\n"


def test_a_namespace_without_deployments_is_an_error(tmp_path: Path) -> None:
    """Nothing to roll back is not success."""
    done = Desk(tmp_path).rollback()

    assert done.returncode != 0
    assert "no Deployment" in done.stderr


def test_a_rollback_goes_to_the_release_before(desk: Desk) -> None:
    """Both Deployments go to the release that ran before."""
    assert desk.rollback().returncode == 0
    assert desk.running() == {"a"}


def test_a_second_rollback_does_not_bring_the_bad_release_back(desk: Desk) -> None:
    """What `kubectl rollout undo` would do. Without a target nothing happens and the revisions are named, with one it does."""
    desk.rollback()
    second = desk.rollback()

    assert second.returncode != 0
    assert "was rolled back already" in second.stderr
    assert "ROLLBACK_TARGET" in second.stderr
    assert desk.running() == {"a"}
    assert desk.rollback("2").returncode == 0
    assert desk.running() == {"b"}


def test_a_rollback_after_a_rollback_and_a_release_goes_to_what_was_good(desk: Desk) -> None:
    """a, b (left), a again, c, all bad but a: from c it goes to a."""
    desk.rollback()
    desk.deploy("c")

    assert desk.rollback().returncode == 0
    assert desk.running() == {"a"}


def test_what_was_left_is_a_goal_again_once_it_was_deployed_well(desk: Desk) -> None:
    """c was left, is deployed again and good; a rollback from d goes to c."""
    desk.deploy("c")
    desk.rollback()
    assert desk.running() == {"b"}
    desk.deploy("c")
    desk.deploy("d")

    assert desk.rollback().returncode == 0
    assert desk.running() == {"c"}


def test_a_rollout_that_fails_is_undone_and_never_a_goal(desk: Desk) -> None:
    """The API's rollout of c does not end: both go back to b; from d a rollback goes to b and not to c."""
    desk.failing("rollout status deployment.apps/stockcrew-api")
    done = desk.deploy("c")
    desk.failing()

    assert done.returncode == 1
    assert "was undone" in done.stderr
    assert desk.running() == {"b"}
    desk.deploy("d")
    assert desk.rollback().returncode == 0
    assert desk.running() == {"b"}


def test_a_release_that_changes_nothing_and_fails_takes_nothing_back(desk: Desk) -> None:
    """c is deployed once more and its migration fails: c stays, it was good before."""
    desk.deploy("c")
    desk.failing("wait job")
    done = desk.deploy("c")

    assert done.returncode == 1
    assert desk.running() == {"c"}


def test_a_first_release_that_fails_has_nothing_to_go_back_to(tmp_path: Path) -> None:
    """It stays and the script says so."""
    made = Desk(tmp_path)
    made.failing("wait job")
    done = made.deploy("a")

    assert done.returncode == 1
    assert "nothing to undo it to" in done.stderr


def test_a_rollback_that_is_cut_off_is_completed(desk: Desk) -> None:
    """The API has gone back and the worker has not: the next rollback moves the worker, not the API further back."""
    desk.failing("rollout undo deployment.apps/stockcrew-worker")
    assert desk.rollback().returncode != 0
    assert desk.running() == {"a", "b"}
    desk.failing()

    assert desk.rollback().returncode == 0
    assert desk.running() == {"a"}


def test_a_deployment_that_was_changed_by_hand_follows_to_the_same_release(desk: Desk) -> None:
    """The worker has a revision more than the API: it goes to the API's release and not to the revision before."""
    cluster = desk.cluster
    cluster.roll_out("stockcrew-worker", "byhand")
    cluster.save()

    assert desk.rollback().returncode == 0
    assert desk.running() == {"a"}


def test_a_rollback_that_not_all_can_follow_changes_nothing(desk: Desk) -> None:
    """The worker's history does not have the release any more."""
    cluster = desk.cluster
    cluster.items = [item for item in cluster.items if item["metadata"]["name"] != "stockcrew-worker-1"]
    cluster.save()
    done = desk.rollback()

    assert done.returncode != 0
    assert "nothing was changed" in done.stderr
    assert desk.running() == {"b"}


def test_a_rollback_without_a_release_before_changes_nothing(tmp_path: Path) -> None:
    """There is only one."""
    made = Desk(tmp_path)
    made.deploy("a")
    done = made.rollback()

    assert done.returncode != 0
    assert "no earlier revision" in done.stderr
    assert made.running() == {"a"}


def test_a_rollback_to_what_runs_or_is_unknown(desk: Desk) -> None:
    """The current release by its number or name: nothing to do. One that does not exist: an error that lists the revisions."""
    assert desk.rollback("2").returncode == desk.rollback("b").returncode == 0
    unknown = desk.rollback("77")

    assert unknown.returncode != 0
    assert "no revision or release '77'; it has 1, 2" in unknown.stderr
    assert desk.running() == {"b"}


def test_releases_from_before_they_had_names_go_by_their_order(desk: Desk) -> None:
    """Templates without the annotation, as older manifests made them."""
    cluster = desk.cluster
    for item in cluster.items:
        if item["kind"] == "ReplicaSet":
            item["spec"]["template"]["metadata"]["annotations"] = {}
    cluster.save()
    done = desk.rollback()

    assert done.returncode == 0, done.stderr
    assert [call for call in desk.cluster.calls if call.startswith("rollout undo")] == [
        f"rollout undo deployment.apps/stockcrew-{part} --to-revision 1" for part in ("api", "worker")
    ]
