"""The packages of a wheel: vqseg, and the folder configs as vqseg.configs, so that the YAML files have one place.

Everything else stands in pyproject.toml.
"""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["vqseg*"]), "vqseg.configs", "vqseg.configs.accelerate"],
    package_dir={"vqseg.configs": "configs"},
    package_data={
        "vqseg": ["py.typed"],
        "vqseg.codebook.report": ["*.css"],
        "vqseg.configs": ["*.yaml"],
        "vqseg.configs.accelerate": ["*.yaml"],
    },
    include_package_data=False,
)
