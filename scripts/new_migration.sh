#!/usr/bin/env bash
# Write a new Alembic migration from the difference between the tables and the newest migration.
# Usage: scripts/new_migration.sh 0002 "Say what it does"
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/python - "$1" "$2" <<'PY'
import sys, tempfile
from alembic import command
from sqlalchemy import create_engine
from canary.store.database import _alembic

with tempfile.TemporaryDirectory() as folder, create_engine(f"sqlite:///{folder}/empty.sqlite3").begin() as connection:
    config = _alembic()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    command.revision(config, message=sys.argv[2], autogenerate=True, rev_id=sys.argv[1])
PY
