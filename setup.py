"""Build script; the facts about the package stand in pyproject.toml.

Native targets are added here and in BUILD side by side.
"""

from setuptools import setup

setup()
