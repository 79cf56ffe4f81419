"""Compares what exported files give in other runtimes with the model: table of docs/serving.md.

Prints a table signature x runtime: over how many models, and the greatest difference. Needs the
extra 'serving'. TensorFlow.js is run by Node where its two parts are named; its converter wants
older packages than tfsp, in an environment of its own:

    ENV/bin/pip install tensorflowjs==4.22.0 "ydf<0.13"
    npm install @tensorflow/tfjs@4.22.0

    python scripts/peer_runtimes.py --tfjs_python=ENV/bin/python --tfjs_modules=FOLDER/node_modules
"""

import argparse
import collections
import importlib.metadata
import json
import pathlib
import subprocess
import sys
import tempfile
import textwrap
import warnings

import numpy as np
import tensorflow as tf

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "tests"))

from serving import cases
from serving.test_formats import Exported, run

PACKAGES = ("tensorflow", "keras", "tf2onnx", "onnx", "onnxruntime", "ai-edge-litert", "numpy")

# In the converter's environment: (SavedModel, signature, folder) of each job.
CONVERT = """
    import json, sys
    from tensorflowjs.converters import tf_saved_model_conversion_v2 as converter
    for saved, signature, folder in json.load(open(sys.argv[1])):
        try:
            converter.convert_tf_saved_model(saved, folder, signature_def=signature)
        except Exception as error:
            print(signature, str(error)[:300], file=sys.stderr)
"""
NODE = """
    const tf = require('@tensorflow/tfjs'), fs = require('fs');
    const read = file => JSON.parse(fs.readFileSync(file));
    async function main() {
      await tf.setBackend('cpu');
      for (const job of read(process.argv[2])) {
        const answer = {};
        try {
          const files = read(job.folder + '/model.json'), groups = files.weightsManifest;
          const paths = groups.flatMap(g => g.paths).map(p => job.folder + '/' + p);
          const data = Buffer.concat(paths.map(p => fs.readFileSync(p)));
          const model = await tf.loadGraphModel({load: async () => ({
            modelTopology: files.modelTopology, signature: files.signature,
            weightSpecs: groups.flatMap(g => g.weights),
            weightData: data.buffer.slice(data.byteOffset, data.byteOffset + data.length)})});
          const inputs = {};
          for (const [name, value] of Object.entries(job.arguments)) {
            const key = files.signature.inputs[name].name;
            inputs[key] = tf.tensor(value.data, value.shape, value.dtype);
          }
          const names = job.results.map(name => files.signature.outputs[name].name);
          const results = [].concat(await model.executeAsync(inputs, names));
          const plain = t => ({data: Array.from(t.dataSync(), String), shape: t.shape});
          answer.results = results.map(plain);
        } catch (error) { answer.error = String(error).slice(0, 200); }
        fs.writeFileSync(job.answer, JSON.stringify(answer));
      }
    }
    main();
"""


def difference(actual, results):
    """The greatest difference; infinite numbers must be infinite in both."""
    worst = 0.0
    for value, expected in zip(actual, results.values(), strict=True):
        value, expected = np.float64(value), np.float64(expected)
        if value.shape != expected.shape or np.any(np.isinf(value) != np.isinf(expected)):
            return np.inf
        finite = np.isfinite(expected)
        worst = max([worst, *np.abs(value[finite] - expected[finite])])
    return float(worst)


def in_tensorflow(folder, exported):
    served = tf.saved_model.load(str(folder)).signatures
    for name, (arguments, results) in exported.calls.items():
        if not name.startswith("sample"):
            answer = served[name](**{key: tf.constant(value) for key, value in arguments.items()})
            yield name, difference([answer[key].numpy() for key in results], results)


def in_format(format, exported):
    folder = exported.folder / format
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exported.model.export(folder, format=format)
    for name, (arguments, results) in exported.calls.items():
        actual = run(format, folder / name, arguments, list(results))
        yield name, difference(actual, results)


def in_node(work, jobs, python, modules):
    """Differences of (folder of a SavedModel, signature, call) jobs, by TensorFlow.js."""
    described, conversions = [], []
    for i, (saved, name, (arguments, results)) in enumerate(jobs):
        folder = str(work / f"js{i}")
        conversions.append((str(saved), name, folder))
        inputs = {
            key: {"data": value.ravel().tolist(), "shape": value.shape, "dtype": "float32"}
            for key, value in arguments.items()
        }
        described.append(
            dict(folder=folder, arguments=inputs, results=list(results), answer=f"{folder}.json")
        )
    (work / "conversions.json").write_text(json.dumps(conversions))
    (work / "jobs.json").write_text(json.dumps(described))
    (work / "run.js").write_text(textwrap.dedent(NODE))
    program = textwrap.dedent(CONVERT)
    subprocess.run([python, "-c", program, str(work / "conversions.json")], check=True)
    command = ["node", str(work / "run.js"), str(work / "jobs.json")]
    subprocess.run(command, check=True, env={"NODE_PATH": modules, "PATH": "/usr/bin:/bin"})
    for (_, name, (_, results)), job in zip(jobs, described, strict=True):
        answer = json.loads(pathlib.Path(job["answer"]).read_text())
        if "error" in answer:
            print(f"TensorFlow.js, {job['folder']}: {answer['error']}", file=sys.stderr)
            yield name, np.inf
            continue
        # JSON has no infinite numbers: they come as text.
        values = [
            np.array([float(x.replace("Infinity", "inf")) for x in result["data"]]).reshape(
                result["shape"]
            )
            for result in answer["results"]
        ]
        yield name, difference(values, results)


def cell(differences, tolerance):
    good = [value for value in differences if value <= tolerance]
    return f"{len(good)} of {len(differences)}, {max(good, default=np.nan):.0e}"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", nargs="*", default=list(cases.CASES))
    parser.add_argument("--tfjs_python")
    parser.add_argument("--tfjs_modules")
    parser.add_argument("--tolerance", type=float, default=1e-4)
    options = parser.parse_args()
    found, jobs = collections.defaultdict(list), []
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        for case in options.cases:
            print(case, file=sys.stderr)
            exported = Exported(case, work / case)
            exported.model.export(work / case / "saved")
            rows = [("TensorFlow", in_tensorflow(work / case / "saved", exported))]
            rows += [("ONNX Runtime", in_format("onnx", exported))]
            rows += [("LiteRT", in_format("litert", exported))]
            for runtime, answers in rows:
                for name, value in answers:
                    found[name, runtime].append(value)
            for name, call in exported.calls.items():
                if not name.startswith("sample"):
                    jobs.append((work / case / "saved", name, call))
        if options.tfjs_python:
            for name, value in in_node(work, jobs, options.tfjs_python, options.tfjs_modules):
                found[name, "TensorFlow.js"].append(value)
    runtimes = list(dict.fromkeys(runtime for _, runtime in found))
    print(" ".join(f"{package} {importlib.metadata.version(package)}" for package in PACKAGES))
    print(f"\n| signature | {' | '.join(runtimes)} |\n|{' --- |' * (len(runtimes) + 1)}")
    for name in dict.fromkeys(name for name, _ in found):
        cells = [
            cell(found[name, runtime], options.tolerance) if (name, runtime) in found else "-"
            for runtime in runtimes
        ]
        print(f"| `{name}` | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
