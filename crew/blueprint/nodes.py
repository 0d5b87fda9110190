"""YAML read as plain values with the line of each, from files that may be hostile: no tags, no aliases, bounded size and depth."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from crew.blueprint.problems import Problem

MAX_BYTES = 256 * 1024
MAX_DEPTH = 12

Place = tuple[str | int, ...]

_STR, _INT, _BOOL, _NULL, _FLOAT = (f"tag:yaml.org,2002:{name}" for name in ("str", "int", "bool", "null", "float"))


@dataclass(frozen=True)
class Document:
    """One file: its name as users know it, its content, the line (from 1) of every key and item, and what is wrong already."""

    name: str
    data: dict[str, Any] = field(default_factory=dict)
    lines: dict[Place, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def line(self, path: Place) -> int:
        """The line of `path`, or of the nearest part of it that is in the file."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def problem(self, path: Place, message: str) -> None:
        """Note that what stands at `path` is wrong."""
        self.problems.append(Problem(self.name, self.line(path), path, message))


class _Refused(Exception):
    """YAML that is valid but has no business in these files."""

    def __init__(self, message: str, mark: Any) -> None:
        super().__init__(message)
        self.line: int = mark.line + 1


def read_document(path: Path) -> Document:
    """Read one YAML file whose top level is a mapping. What is wrong is in the result's `problems`, never raised."""
    document = Document(path.name)
    try:
        content = path.read_bytes()
    except OSError as error:
        document.problem((), f"cannot be read: {error.strerror or error}")
        return document
    if len(content) > MAX_BYTES:
        document.problem((), f"has {len(content):,} bytes; at most {MAX_BYTES:,} are read")
        return document
    try:
        text = content.decode("utf-8-sig")
        _refuse_hostile(text)
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except _Refused as refused:
        document.problems.append(Problem(document.name, refused.line, (), str(refused)))
    except UnicodeDecodeError:
        document.problem((), "is not UTF-8 text")
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        hint = (
            " (quote a text that holds ': ' or begins with { or [)" if isinstance(error, yaml.scanner.ScannerError | yaml.parser.ParserError) else ""
        )
        document.problems.append(Problem(document.name, mark.line + 1 if mark else 1, (), f"is not valid YAML: {error.problem}{hint}"))
    except yaml.YAMLError as error:
        document.problem((), f"is not valid YAML: {str(error).splitlines()[0]}")
    else:
        _take_root(root, document)
    return document


def _take_root(root: yaml.Node | None, document: Document) -> None:
    if root is None:
        document.problem((), "is empty")
    elif not isinstance(root, yaml.MappingNode):
        document.problem((), "must be a mapping of names at its top level")
    else:
        document.data.update(_mapping(root, (), document))


def _refuse_hostile(text: str) -> None:
    depth = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise _Refused("anchors and aliases are not allowed", event.start_mark)
        if getattr(event, "tag", None):
            raise _Refused("tags are not allowed", event.start_mark)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise _Refused(f"more than {MAX_DEPTH} levels deep", event.start_mark)


def _value(node: yaml.Node, path: Place, document: Document) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, document)
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            document.lines[(*path, index)] = item.start_mark.line + 1
        return [_value(item, (*path, index), document) for index, item in enumerate(node.value)]
    return _scalar(node) if isinstance(node, yaml.ScalarNode) else None


def _mapping(node: yaml.MappingNode, path: Place, document: Document) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode) or key_node.tag != _STR:
            shown = key_node.value if isinstance(key_node, yaml.ScalarNode) else "this key"
            document.problems.append(
                Problem(document.name, line, path, f"{shown} is no name: a key must be text (quote the value if it begins with {{)")
            )
            continue
        key = key_node.value
        if key in data:
            document.problems.append(
                Problem(document.name, line, (*path, key), f"is there twice; the first is on line {document.lines[(*path, key)]}")
            )
            continue
        document.lines[(*path, key)] = line
        data[key] = _value(value_node, (*path, key), document)
    return data


def _scalar(node: yaml.ScalarNode) -> Any:
    constructor = yaml.constructor.SafeConstructor()
    try:
        if node.tag == _INT:
            return constructor.construct_yaml_int(node)
        if node.tag == _FLOAT:
            return constructor.construct_yaml_float(node)
    except ValueError:
        return node.value
    if node.tag == _BOOL:
        return bool(constructor.construct_yaml_bool(node))
    return None if node.tag == _NULL else node.value
