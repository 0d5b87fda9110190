"""Where Deployments go back to: `kubectl get deployments,replicasets --output json | revisions.py current | plan [TARGET]`.

`current` prints a line for each Deployment that was rolled out: its name, its revision, the ReplicaSet of that revision. `plan` prints a line for
each Deployment that a rollback has to move: its name, the revision to go to, the ReplicaSet to leave, the ReplicaSet to go to. TARGET is a revision
of the API's Deployment, or a release. Ends with 2 and one sentence when nothing can be gone back to.

kubectl's own `rollout undo` goes to the revision before the current one. After a rollback that is the release which was just left, so that a
second undo brings it back. Here what was left carries a label and is never a goal unless it is named. All Deployments go to one release: each is
found by the annotation that deploy/k8s/release.sh writes into the pods' template.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

RELEASE = "stockcrew/release"
LEFT = "stockcrew/rolled-back"
_REVISION = "deployment.kubernetes.io/revision"
_LEADER = {"app.kubernetes.io/component": "api"}


class NoGoal(Exception):
    """There is nothing to go back to; the message says why and what to do."""


@dataclass(frozen=True)
class Revision:
    """One ReplicaSet of a Deployment. `release` is empty where the template names none."""

    number: int
    replicaset: str
    release: str
    was_left: bool


@dataclass(frozen=True)
class History:
    """A Deployment's revisions, oldest first; `current` is the one that its template is now."""

    name: str
    revisions: tuple[Revision, ...]
    current: Revision
    leads: bool

    def earlier(self) -> list[Revision]:
        """Revisions before the current one, newest first."""
        return [one for one in reversed(self.revisions) if one.number < self.current.number]


@dataclass(frozen=True)
class Move:
    """What one Deployment has to do."""

    history: History
    goal: Revision

    def __str__(self) -> str:
        return f"deployment.apps/{self.history.name} {self.goal.number} {self.history.current.replicaset} {self.goal.replicaset}"


def histories(documents: list[dict[str, Any]]) -> list[History]:
    """Each Deployment that has been rolled out, the API's first."""
    return sorted(_histories(documents), key=lambda history: not history.leads)


def _histories(documents: list[dict[str, Any]]) -> Iterator[History]:
    for deployment in (one for one in documents if one["kind"] == "Deployment"):
        meta = deployment["metadata"]
        owned = [
            _revision(one)
            for one in documents
            if one["kind"] == "ReplicaSet" and any(owner["uid"] == meta["uid"] for owner in one["metadata"].get("ownerReferences", []))
        ]
        number = int(meta.get("annotations", {}).get(_REVISION, 0))
        current = next((one for one in owned if one.number == number), None)
        if current is not None:
            leads = meta.get("labels", {}).items() >= _LEADER.items()
            yield History(meta["name"], tuple(sorted(owned, key=lambda one: one.number)), current, leads)


def _revision(replicaset: dict[str, Any]) -> Revision:
    meta, template = replicaset["metadata"], replicaset["spec"]["template"]["metadata"]
    release = (template.get("annotations") or {}).get(RELEASE, "")
    return Revision(int(meta["annotations"][_REVISION]), meta["name"], release, LEFT in meta.get("labels", {}))


def plan(all_histories: list[History], target: str) -> list[Move]:
    """What to do so that all Deployments are at one release: TARGET, or the newest one before that was not left by a rollback.

    A rollback that was cut off is completed. One that is complete is not repeated without a target: further back is a person's decision.

    Raises:
        NoGoal: there is no Deployment, no such release, a Deployment never ran it, or it was rolled back already.
    """
    if not all_histories:
        raise NoGoal("there is no Deployment that was rolled out in this namespace")
    leader, *followers = all_histories
    goal = _named(leader, target) if target else _before(leader)
    moves = [] if goal == leader.current else [Move(leader, goal)]
    for history in followers:
        wanted = _counterpart(leader, history, goal)
        if wanted != history.current:
            moves.append(Move(history, wanted))
    if not moves and not target:
        raise NoGoal(
            f"{leader.name} was rolled back already, to revision {leader.current.number}: name the revision to go to (ROLLBACK_TARGET); "
            f"it has {', '.join(str(one.number) for one in leader.earlier())}"
        )
    return moves


def _named(leader: History, target: str) -> Revision:
    for one in reversed(leader.revisions):
        if target in {str(one.number), one.release}:
            return one
    raise NoGoal(f"{leader.name} has no revision or release {target[:80]!r}; it has {', '.join(str(one.number) for one in leader.revisions)}")


def _before(leader: History) -> Revision:
    earlier = leader.earlier()
    if earlier and earlier[0].was_left:
        return leader.current
    goal = next((one for one in earlier if not one.was_left), None)
    if goal is None:
        raise NoGoal(f"{leader.name} has no earlier revision to go back to")
    return goal


def _counterpart(leader: History, history: History, goal: Revision) -> Revision:
    """The follower's revision of the release that the leader goes to."""
    known = [one for one in (history.current, *history.earlier()) if one.release == goal.release]
    if goal.release:
        found = next((one for one in known if not one.was_left or goal.was_left), None)
    elif goal == leader.current:
        found = next((one for one in known if not one.was_left), None)
    else:  # without names of releases only the order is left to go by
        found = next((one for one in known[1:] if not one.was_left), None)
    if found is None:
        raise NoGoal(f"{history.name} has no revision of the release {goal.release or 'before'}, so not all can go there; nothing was changed")
    return found


def main(arguments: list[str]) -> int:
    """Read, print; 2 when there is no goal."""
    command, *rest = arguments
    try:
        found = histories(json.load(sys.stdin)["items"])
        if command == "current":
            lines = [f"deployment.apps/{one.name} {one.current.number} {one.current.replicaset}" for one in found]
        else:
            lines = [str(move) for move in plan(found, rest[0] if rest else "")]
    except NoGoal as error:
        print(f"rollback: {error}", file=sys.stderr)
        return 2
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
