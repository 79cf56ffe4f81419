"""Imports go one way: a floor imports only from floors below it (DESIGN: the house)."""

import ast
import pathlib

import networkx
import pytest

ROOT = pathlib.Path(__file__).parents[1]

# Lower number = lower floor. A module may import its own package and any lower floor.
FLOORS = {
    "tfsp.arguments": -1,
    "tfsp.distribute": 0,
    "tfsp.gradients": 0,
    "tfsp.precision": 0,
    "tfsp.shapes": 0,
    "tfsp.version": 0,
    "tfsp.project_files": 0,
    "tfsp.registry": 0,
    "tfsp.entries": 0,
    "tfsp.discovery": 0,
    "tfsp.parameters": 0,
    "tfsp.sample_shape": 0,
    "tfsp.random": 0,
    "tfsp.subset": 0,
    "tfsp.neighbours": 0,
    "tfsp.notebook": 0,
    "tfsp.atomic": 0,
    "tfsp.history_file": 1,
    "tfsp.lock": 1,
    "tfsp.checkpoint_file": 1,
    "tfsp.command_line": 1,
    "tfsp.latent_layer": 1,
    "tfsp.serving": 1,
    "tfsp.bijectors": 1,
    "tfsp.networks": 1,
    "tfsp.tmc": 1,
    "tfsp.data": 1,
    "tfsp.measures": 2,
    "tfsp.distributions": 2,
    "tfsp.likelihoods": 3,
    "tfsp.mappings": 3,
    "tfsp.priors": 3,
    "tfsp.viz": 3,
    "tfsp.models": 4,
    "tfsp.config": 5,
    "tfsp.parts": 6,
    "tfsp.own_data": 6,
    "tfsp.run_directory": 4,
    "tfsp.callbacks": 3,
    "tfsp.resume": 4,
    "tfsp.several_machines": 5,
    "tfsp.run_reader": 5,
    "tfsp.run_leaves": 5,
    "tfsp.saved": 6,
    "tfsp.experiment": 6,
    "tfsp.evaluation": 7,
    "tfsp.export": 7,
    "tfsp.studies": 8,
    "tfsp.sklearn": 8,
    "tfsp.pictures": 8,
    "tfsp.faults": 8,
    "tfsp.explorer": 9,
    "tfsp.visualize": 9,
    "tfsp.refinement": 10,
    "tfsp.results": 10,
    "tfsp.__main__": 11,
    "tfsp": 11,
}
FILES = sorted((ROOT / "tfsp").rglob("*.py"))


def unit(module):
    """`tfsp.priors.vamp` -> `tfsp.priors`."""
    return ".".join(module.split(".")[:2])


def imports(path):
    """Modules of tfsp that a file imports, anywhere in it, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            if node.module == "tfsp":
                yield from (f"tfsp.{alias.name}" for alias in node.names)
            else:
                yield node.module


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_go_down(path):
    me = unit(module_name(path))
    assert me in FLOORS, f"{me} has no floor yet: give it one in FLOORS"
    for name in imports(path):
        if name.partition(".")[0] != "tfsp" or unit(name) == me:
            continue
        assert FLOORS[unit(name)] < FLOORS[me], f"{module_name(path)} imports {name}"


def module_imports(path, modules):
    """Modules that a file imports: `from package import name` is the module `name` if there is one,
    else the package itself."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in modules else node.module


def circles(files):
    """The arrows (importing, imported) that lie on a circle of modules, lazy imports included."""
    modules = {module_name(path): path for path in files}
    graph = networkx.DiGraph()
    for name, path in modules.items():
        graph.add_edges_from((name, other) for other in module_imports(path, modules))
    for loop in networkx.strongly_connected_components(graph):
        yield from graph.subgraph(loop).edges


def test_the_modules_of_a_package_import_one_another_in_no_circle():
    """The floors keep packages apart; within a package, too, imports must have an order."""
    assert set(circles(FILES)) == set()


def test_circles_are_found(monkeypatch, tmp_path):
    """Of three modules, by a lazy import; a module that imports itself by its package, too."""
    (tmp_path / "tfsp").mkdir()
    for name, text in {
        "__init__": "",
        "a": "from tfsp import b",
        "b": "import tfsp.c",
        "c": "def f():\n    from tfsp.a import g",
        "d": "from tfsp.a import g",
        "e": "import tfsp.e",
    }.items():
        (tmp_path / "tfsp" / f"{name}.py").write_text(text)
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    found = set(circles(sorted((tmp_path / "tfsp").glob("*.py"))))
    arrows = [("a", "b"), ("b", "c"), ("c", "a"), ("e", "e")]
    assert found == {(f"tfsp.{one}", f"tfsp.{other}") for one, other in arrows}


def test_nothing_touches_keras_2():
    for path in FILES:
        text = path.read_text()
        for name in ("tf_keras", "tf.keras", "tfp.layers", "AutoregressiveNetwork"):
            assert name not in text, f"{path.name} uses {name}, which Keras 3 models do not see"


def test_scripts_and_configs_hold_no_logic():
    """Scripts: flags and one call. Configs: values, from `tfsp.config` alone."""
    for path in (ROOT / "configs").rglob("*.py"):
        assert list(imports(path)) == ["tfsp.config"], path
    for path in (ROOT / "scripts").glob("*.py"):
        if not path.name.startswith(("benchmark_", "peer_")):
            assert len(path.read_text().splitlines()) < 100, path


def test_native_targets_are_described_twice_alike():
    """BUILD and setup.py name the same native source files."""
    sources = {
        name: {
            node.value
            for node in ast.walk(ast.parse((ROOT / name).read_text()))
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node.value.endswith((".cc", ".pyx", ".h"))
        }
        for name in ("setup.py", "BUILD")
    }
    assert sources["setup.py"] == sources["BUILD"]
