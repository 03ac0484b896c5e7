#!/usr/bin/env bash
# Ratios against named peers, each alternated with ours in the same run.
set -euo pipefail
cd "$(dirname "$0")/.."
for bench in benchmarks/bench_*.py benchmarks/{mint_speed,scan,webhook,cost,papadimitriou}.py; do
  [ -f "$bench" ] || continue
  echo "== $bench"
  .venv/bin/python "$bench"
done
