#!/usr/bin/env bash
# The claims at full size; CI runs the same code reduced. Takes hours on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/python benchmarks/demo_seeds.py --seeds 20 --case shenzhen --case ward --case noise
for bench in false_accusation numbers_needed small_leak pair "papadimitriou --runs 1000"; do
  set -- $bench
  echo "== $*"
  .venv/bin/python "benchmarks/$1.py" "${@:2}"
done
for database in sqlite postgresql; do
  echo "== faults on $database"
  PYTHONPATH=$PWD .venv/bin/python benchmarks/faults.py --minutes 10 --database "$database"
  echo "== schedulers on $database"
  PYTHONPATH=$PWD .venv/bin/python benchmarks/schedulers.py --minutes 10 --database "$database"
done
