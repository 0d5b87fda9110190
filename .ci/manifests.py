"""Validate rendered manifests: `manifests.py FOLDER FILE...`; Kubernetes' own kinds strictly, others by the schemas of FOLDER.

Prints one line a file; 1 when a document is wrong or of a kind that cannot be checked. Without FOLDER operators' kinds are skipped, loudly.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import yaml

KUBERNETES = "1.34"
# By their group, so that a misspelt one is not taken for an operator's.
OPERATORS = (
    "argoproj.io",
    "external-secrets.io",
    "gateway.networking.k8s.io",
    "k6.io",
    "keda.sh",
    "monitoring.coreos.com",
)


def problems(document: dict[str, Any], schemas: Path) -> Iterator[str]:
    """What is wrong with one document."""
    api, kind = str(document.get("apiVersion")), str(document.get("kind"))
    name = f"{kind}/{document.get('metadata', {}).get('name')}"
    group, _, version = api.rpartition("/")
    try:
        if group not in OPERATORS:
            kubernetes_validate.validate(document, KUBERNETES, strict=True)
            return
        path = schemas / group / f"{kind.lower()}_{version}.json"
        if not schemas.is_dir():
            print(f"SKIPPED: {name}: there is no {schemas} here", file=sys.stderr)
        elif not path.exists():
            yield f"{name}: no schema {path}"
        else:
            # Go lets flags stand behind the anchor, Python only before it.
            jsonschema.Draft7Validator(json.loads(path.read_text().replace('"^(?i)', '"(?i)^'))).validate(document)
    except (kubernetes_validate.ValidationError, jsonschema.ValidationError) as error:
        yield f"{name}: {'.'.join(map(str, error.path))}: {error.message}"
    except (kubernetes_validate.SchemaNotFoundError, kubernetes_validate.InvalidSchemaError) as error:
        yield f"{name}: {api} {kind} is not known to Kubernetes {KUBERNETES}: {error}"


def main() -> int:
    """Validate each file; 1 when something is wrong or a file is empty."""
    schemas, files, wrong = Path(sys.argv[1]), [Path(argument) for argument in sys.argv[2:]], 0
    for file in files:
        documents = [document for document in yaml.safe_load_all(file.read_text()) if document]
        found = [problem for document in documents for problem in problems(document, schemas)]
        wrong += len(found) + (not documents)
        print(f"{file.name}: {len(documents)} documents, {len(found)} problems")
        for problem in found:
            print(f"  {problem}", file=sys.stderr)
    return 1 if wrong or not files else 0


if __name__ == "__main__":
    sys.exit(main())
