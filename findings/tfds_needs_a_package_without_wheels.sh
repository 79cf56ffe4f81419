#!/usr/bin/env bash
# tensorflow-datasets cannot be installed from wheels alone: it needs promise, which has none.
#
# Versions: tensorflow-datasets 4.9.10, promise 2.3 (its newest), 2026-11-29. PYTHON names the
# interpreter, python3 by default.
#
# Behaviour: tensorflow-datasets is itself a pure wheel, and so is all else that it needs. But it
# requires promise, of which no release has a wheel (the last is of 2019), so that `pip install
# --only-binary :all:` and `pip download --only-binary :all:` (for machines without a compiler, or
# without an index, or of another platform: --platform demands it) end with "No matching
# distribution found for promise". It builds without a compiler; it only has to be allowed:
# `--no-binary promise`, which for --platform has to be downloaded by itself.
#
# Seen:
#   from wheels alone:        ERROR: No matching distribution found for promise
#   with --no-binary promise: promise-2.3.tar.gz, tensorflow_datasets-4.9.10-py3-none-any.whl
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
pip=("$folder/venv/bin/pip" download --quiet --disable-pip-version-check --dest "$folder/files")

if "${pip[@]}" --only-binary :all: tensorflow-datasets==4.9.10 >"$folder/log" 2>&1; then
  echo "changed: it can be installed from wheels alone" >&2
  exit 1
fi
echo "from wheels alone:        $(grep -o 'ERROR: No matching distribution found for promise.*' "$folder/log")"

"${pip[@]}" --only-binary :all: --no-binary promise tensorflow-datasets==4.9.10 >"$folder/log" 2>&1
echo "with --no-binary promise: $(cd "$folder/files" && ls -m promise-* tensorflow_datasets-*)"
test -f "$folder/files/promise-2.3.tar.gz"
