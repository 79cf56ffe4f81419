#!/bin/sh
# Fuzzes the TMC ops under AddressSanitizer (and overflow checks of UBSan), and lets many threads
# call them at once.
#
#   scripts/fuzz_tmc_asan.sh [NUMBER_OF_CASES]    default 20000, about 5 minutes
#
# Builds the op library apart, in a temporary folder, and loads it into an ordinary Python, in front
# of which libasan is preloaded. Leaks are not looked for: Python and TensorFlow keep memory to the
# end. A report of the sanitizer names file and line, and the number in "progress" repeats the case:
#   ... tests/tmc/fuzz_ops.py --first NUMBER --count 1 --library FILE
set -eu
cd "$(dirname "$0")/.."
cases=${1:-20000}
python=${PYTHON:-.venv/bin/python}
work=${TMPDIR:-/tmp}/tfsp_tmc_asan
mkdir -p "$work"
export TF_CPP_MIN_LOG_LEVEL=3

compile=$("$python" -c 'import tensorflow as tf; print(*tf.sysconfig.get_compile_flags())' 2>/dev/null)
link=$("$python" -c 'import tensorflow as tf; print(*tf.sysconfig.get_link_flags())' 2>/dev/null)
library=$work/_tmc_ops_asan.so
# UBSan's null check is left out: it breaks constant expressions in Abseil's headers.
# shellcheck disable=SC2086
${CXX:-g++} -shared -fPIC -std=c++17 -O1 -g -fno-omit-frame-pointer -w -I. \
    -fsanitize=address,signed-integer-overflow,float-cast-overflow,shift,integer-divide-by-zero \
    $compile custom_ops/tmc/*.cc -o "$library" $link

# halt_on_error: an error of UBSan ends the process as one of ASan does.
run() {
    LD_PRELOAD=$(${CC:-gcc} -print-file-name=libasan.so):$(${CC:-gcc} -print-file-name=libubsan.so) \
    ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=0 \
    UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
        "$python" "$@" --library "$library"
}
run tests/tmc/fuzz_ops.py --count "$cases" --progress "$work/progress"
run tests/tmc/thread_ops.py --threads 1 --file "$work/values.npz"
run tests/tmc/thread_ops.py --threads 4 --file "$work/values.npz" --rounds 10
echo "No complaint in $cases cases."
