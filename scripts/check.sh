#!/usr/bin/env bash
# The checks CI runs after the tests: lint, format, types, import contracts, docs up to date, migrations complete.
set -euo pipefail
cd "$(dirname "$0")/.."
bin=.venv/bin
$bin/ruff check .
$bin/ruff format --check .
$bin/mypy
$bin/lint-imports
$bin/cog --check -r README.md docs/*.md
echo "all checks passed"
