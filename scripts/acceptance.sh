#!/usr/bin/env bash
# The claims at full size; CI runs the same code reduced. Takes hours on two cores.
set -euo pipefail
cd "$(dirname "$0")/.."
.venv/bin/python benchmarks/demo_seeds.py --seeds 20 --case shenzhen --case ward --case resale --case biobank --case noise
echo "== abuse"
.venv/bin/python benchmarks/abuse.py
if .venv/bin/python -c "import atheris" 2>/dev/null; then
  .venv/bin/python benchmarks/abuse_guided.py --runs 200000
fi
for bench in false_accusation numbers_needed small_leak pair "papadimitriou --runs 1000" "listed_rows --canaries 60 400 1200" "found_rows 200"; do
  set -- $bench
  echo "== $*"
  .venv/bin/python "benchmarks/$1.py" "${@:2}"
done
echo "== robustness"
.venv/bin/python benchmarks/robustness.py --files 50 --clean 100000000 --tables 100
if .venv/bin/python -c "import ray" 2>/dev/null; then
  echo "== cluster"
  .venv/bin/python -m pytest -q tests/peers/test_ray.py
  .venv/bin/python benchmarks/cluster.py
fi
echo "== readers"
.venv/bin/python benchmarks/fuzz_readers.py
for database in sqlite postgresql; do
  echo "== faults on $database"
  PYTHONPATH=$PWD .venv/bin/python benchmarks/faults.py --minutes 10 --database "$database"
  echo "== schedulers on $database"
  PYTHONPATH=$PWD .venv/bin/python benchmarks/schedulers.py --minutes 10 --database "$database"
done
