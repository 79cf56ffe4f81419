#!/usr/bin/env bash
# On Python 3.13 TensorFlow's AutoGraph transforms nothing where DeprecationWarnings are errors.
#
# Versions: tensorflow 2.21.0, gast 0.7.0, Python 3.13, 2026-11-28. PYTHON names the interpreter,
# python3.13 by default.
#
# Behaviour: AutoGraph copies the nodes of a syntax tree with marks of its own as keywords. Since
# 3.13 Python warns of unknown keywords of nodes (DeprecationWarning; an error from 3.15 on). Where a
# program makes such warnings errors, as test suites do, the exception does not surface: TensorFlow
# logs "AutoGraph could not transform ... and will run it as-is", for every function, and goes on. An
# `if` on a tensor in a `tf.function` then fails with an error that asks the user to decorate with
# `@tf.function`, which is done; what needs no transformation seems to work, so that a suite tests
# other code than users run. `import tensorflow` itself passes, and on Python 3.12 nothing happens.
#
# Seen:
#   plain:                         2.0
#   -W error::DeprecationWarning:  OperatorNotAllowedInGraphError
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3.13}" -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check tensorflow==2.21.0 gast==0.7.0
cd "$folder"
cat > branch.py <<'PYTHON'
import tensorflow as tf


@tf.function
def positive_part(x):
    if x > 0:
        return x
    return 0.0 * x


try:
    print(float(positive_part(tf.constant(2.0))))
except Exception as error:
    print(type(error).__name__)
PYTHON
export TF_CPP_MIN_LOG_LEVEL=3
plain=$(venv/bin/python branch.py 2>/dev/null)
strict=$(venv/bin/python -W error::DeprecationWarning branch.py 2>/dev/null)
echo "plain:                         $plain"
echo "-W error::DeprecationWarning:  $strict"
[[ $plain == 2.0 && $strict == OperatorNotAllowedInGraphError ]] || {
  echo "the behaviour has changed"
  exit 1
}
