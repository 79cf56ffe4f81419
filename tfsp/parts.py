"""What a model can be put together from, by name: for `--help` and the page docs/parts.md."""

import inspect

from tfsp.config import SECTIONS, section_defaults


def flag_help():
    """Lines for the help of a flag: the names of each kind."""
    return "\n".join(
        f"config.{section}.name: {', '.join(registry.names())}."
        for section, registry in SECTIONS.items()
    )


def markdown():
    """The page docs/parts.md: a table of each kind of part."""
    lines = [_HEAD]
    for section, registry in SECTIONS.items():
        lines += [f"## {section}", "", "| name | what it is | settings |", f"|{' --- |' * 3}"]
        lines += [_row(section, name, registry.get(name)) for name in registry.names()]
        lines.append("")
    return "\n".join(lines)


def _row(section, name, cls):
    line = " ".join((inspect.getdoc(cls) or "").partition("\n\n")[0].split())
    line = line.replace("|", "\\|")
    settings = ", ".join(f"`{key}`" for key in section_defaults(section, name)) or "none"
    return f"| `{name}` | {line} | {settings} |"


_HEAD = """# Parts: models, networks, likelihoods, priors and mappings

What `--config.SECTION.name=NAME` chooses, with the settings that each takes
(`--config.SECTION.SETTING=VALUE`); `scripts/train.py --show_config` prints their defaults, and the
docstring of each class says what they do. This page is made from the registries (one file a part;
a file put into `tfsp/models`, `tfsp/networks`, `tfsp/likelihoods`, `tfsp/priors` or
`tfsp/mappings` is found) by
`python -c "from tfsp import parts; print(parts.markdown(), end='')" > docs/parts.md`.
"""
