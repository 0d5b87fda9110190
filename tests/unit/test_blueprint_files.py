"""The files themselves: hostile YAML is refused cheaply, and the published JSON Schemas say what the loader says."""

import json
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from crew.blueprint import schema
from crew.blueprint.loader import load_blueprint
from crew.blueprint.nodes import MAX_BYTES
from crew.errors import BlueprintError

ROOT = Path(__file__).resolve().parents[2]
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def refused(folder: Path, content: bytes | str | None) -> str:
    """The message for an agents.yaml with that content, beside the shipped tasks.yaml."""
    path = folder / "agents.yaml"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BlueprintError) as caught:
        load_blueprint(path, ROOT / "tasks.yaml")
    return caught.value.message


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("a: !!python/object/apply:os.system ['touch /tmp/x']\n", "agents.yaml:1: tags are not allowed"),
        ("a: !!str text\n", "agents.yaml:1: tags are not allowed"),
        (BOMB, "agents.yaml:1: anchors and aliases are not allowed"),
        ("a: &a\n  role: x\nb:\n  <<: *a\n", "agents.yaml:1: anchors and aliases are not allowed"),
        ("a: " + "[" * 5000, "agents.yaml:1: more than 12 levels deep"),
        ("a: " + "{b: " * 5000, "agents.yaml:1: more than 12 levels deep"),
        ("a: b\n---\nc: d\n", "agents.yaml:2: is not valid YAML: but found another document"),
        ("- a\n- b\n", "agents.yaml:1: must be a mapping of names at its top level"),
        ("", "agents.yaml:1: is empty"),
        ("# only a comment\n", "agents.yaml:1: is empty"),
        ("a: [\n", "agents.yaml:2: is not valid YAML"),
        ("a: \tb\n  c: d\n", "agents.yaml:1: is not valid YAML: found character"),
        (b"a: \xff\xfe\n", "agents.yaml:1: is not UTF-8 text"),
        ("a: \x00\n", "is not valid YAML"),
        ("x" * (MAX_BYTES + 1), "at most 262,144 are read"),
        (f"a: {'9' * 5000}\n", "a: must be a mapping of fields"),
        ("? [a, b]\n: c\n", "this key is no name: a key must be text"),
        ("1: {role: a}\n", "1 is no name: a key must be text"),
        ("no: {role: a}\n", "no is no name: a key must be text"),
        ("researcher:\n", "agents.yaml:1: researcher: must be a mapping of fields"),
        (None, "agents.yaml:1: cannot be read: No such file or directory"),
    ],
)
def test_hostile_or_broken_files_are_refused_quickly_with_a_line(tmp_path: Path, content: bytes | str | None, expected: str) -> None:
    """Nothing in a file is executed, expanded or overflows; the error says where and what, at once."""
    started = time.perf_counter()

    assert expected in refused(tmp_path, content)
    assert time.perf_counter() - started < 2


def test_a_folder_instead_of_a_file_is_one_problem(tmp_path: Path) -> None:
    """A path that cannot be read is named with the reason."""
    (tmp_path / "agents.yaml").mkdir()

    assert "agents.yaml:1: cannot be read: Is a directory" in refused(tmp_path, None)


def test_the_published_schemas_are_those_of_the_models() -> None:
    """agents.schema.json and tasks.schema.json are what `python -m crew.blueprint.schema` writes."""
    folder = ROOT / "crew" / "blueprint"

    assert (folder / "agents.schema.json").read_text(encoding="utf-8") == schema.render(schema.agents_schema())
    assert (folder / "tasks.schema.json").read_text(encoding="utf-8") == schema.render(schema.tasks_schema())


@pytest.mark.parametrize("name", ["agents", "tasks"])
def test_each_shipped_file_names_its_schema_and_fits_it(name: str) -> None:
    """An editor finds the schema by the file's first line, and the shipped file is valid by it."""
    text = (ROOT / f"{name}.yaml").read_text(encoding="utf-8")
    link = text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    published: dict[str, Any] = json.loads((ROOT / link).read_text(encoding="utf-8"))

    jsonschema.Draft202012Validator.check_schema(published)
    jsonschema.validate(yaml.safe_load(text), published, cls=jsonschema.Draft202012Validator)


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("agents", ("analyst", "roel"), "x"),
        ("agents", ("analyst", "tools"), ["calculator"]),
        ("agents", ("analyst", "limits"), {"max_itr": 3}),
        ("agents", ("analyst", "model"), "gpt"),
        ("agents", ("Bad Name",), {"role": "a", "goal": "b", "backstory": "c"}),
        ("tasks", ("research", "schema"), "reserch"),
        ("tasks", ("research", "facts"), ["a b"]),
        ("tasks", ("variables",), {"x": 1}),
    ],
)
def test_the_schema_catches_what_an_editor_can_catch(name: str, path: tuple[str, ...], value: Any) -> None:
    """A slip of shape is an error by the JSON Schema too, so that an editor underlines it."""
    content = yaml.safe_load((ROOT / f"{name}.yaml").read_text(encoding="utf-8"))
    place = content
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    published = json.loads((ROOT / "crew" / "blueprint" / f"{name}.schema.json").read_text(encoding="utf-8"))

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(content, published, cls=jsonschema.Draft202012Validator)
