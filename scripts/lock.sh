#!/usr/bin/env bash
# Lock the versions of pyproject.toml into requirements/ (no index address in them: any mirror serves).
set -euo pipefail
cd "$(dirname "$0")/.."
compile=(.venv/bin/pip-compile --quiet --no-header --no-annotate --strip-extras --upgrade
  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host)
"${compile[@]}" -o requirements/run.txt pyproject.toml
"${compile[@]}" --extra dev -c requirements/run.txt -o requirements/dev.txt pyproject.toml
