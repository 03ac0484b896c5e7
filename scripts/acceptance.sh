#!/usr/bin/env bash
# The claims at full size; CI runs the same code reduced. Takes hours on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/python benchmarks/demo_seeds.py --seeds 20 --case shenzhen --case ward --case resale --case biobank --case noise
echo "== abuse"
.venv/bin/python benchmarks/abuse.py
for bench in false_accusation numbers_needed small_leak pair "papadimitriou --runs 1000" "listed_rows --canaries 60 400 1200" "found_rows 200"; do
  set -- $bench
  echo "== $*"
  .venv/bin/python "benchmarks/$1.py" "${@:2}"
done
