"""What this software is made of, as a CycloneDX bill of materials: python tools/sbom.py [--output build/sbom.cdx.json]

Lists what requirements.txt installs here, with all that it needs, each with version and licence; the JavaScript in app/vendor; marked
as optional, what only torch's builds for GPUs need, which the app works without and which nobody gets from us; and, marked as excluded,
what only checks and tests use: the rest of requirements-dev.txt, as far as it is installed, and the tools of package-lock.json. Two runs
in one environment give the same file. Exit status 1 if something that is passed on with the app has no licence, or one that
tools/licences.py does not allow.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tools.licences import ALLOWED, is_allowed, stated
from tools.lock import is_gpu_part

ROOT = Path(__file__).resolve().parent.parent
_OUTPUT = ROOT / "build" / "sbom.cdx.json"
_VENDOR = ROOT / "app" / "vendor"
# What the vendored files bundle is under these licences; the LICENSE beside each of them has the texts.
_VENDORED = {
    "niivue": ("@niivue/niivue", "BSD-2-Clause AND MIT"),
    "plotly": ("plotly.js", "MIT AND BSD-3-Clause AND ISC AND Zlib"),
    "math": ("@fontsource/stix-two-math", "OFL-1.1"),
}


class SbomError(RuntimeError):
    """Something that is required is not installed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the bill. Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=_OUTPUT)
    known = parser.parse_args(arguments)
    try:
        bill = sbom()
    except SbomError as error:
        print(error, file=sys.stderr)
        return 1
    known.output.parent.mkdir(parents=True, exist_ok=True)
    known.output.write_text(json.dumps(bill, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    count = Counter(part["scope"] for part in bill["components"])
    print(f"{known.output}: {count['required']} parts, {count['optional']} for GPUs only, {count['excluded']} for checks and tests only")
    refused = refused_licences(bill)
    for line in refused:
        print(line, file=sys.stderr)
    return 1 if refused else 0


def sbom() -> dict[str, Any]:
    """The bill of this checkout and this environment. Raises SbomError if a requirement is not installed."""
    needed = closure(ROOT / "requirements.txt")
    tests = {name: one for name, one in closure(ROOT / "requirements-dev.txt", complete=False).items() if name not in needed}
    parts = [_python(one, "optional" if is_gpu_part(name) else "required") for name, one in sorted(needed.items())]
    parts += [*map(vendored, _VENDORED), *(_python(one, "excluded") for _, one in sorted(tests.items())), *_npm()]
    own = {"type": "application", "bom-ref": "vqseg", "name": "vqseg", "version": _own_version(), "licenses": _licences("Apache-2.0")}
    return {"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1, "metadata": {"component": own}, "components": parts}


def refused_licences(bill: dict[str, Any]) -> list[str]:
    """A line for each part of a bill that is passed on without a licence that is allowed."""
    found = []
    for part in bill["components"]:
        licence = licence_of(part)
        if part["scope"] == "required" and not is_allowed(licence):
            found.append(f"{part['name']} {part['version']}: {licence or 'no licence'} is none that tools/licences.py allows")
    return found


def licence_of(part: dict[str, Any]) -> str:
    """The licence of a component, empty if it has none."""
    return next((one.get("expression") or one["license"].get("id") or one["license"]["name"] for one in part["licenses"]), "")


def closure(file: Path, *, complete: bool = True) -> dict[str, Distribution]:
    """The installed packages that a file of requirements asks for, and all that these need, by their canonical names.

    Args:
        file: Lines as pip reads them; "-r" names a further file.
        complete: Whether all of them have to be installed; else those that are not are left out.

    Raises:
        SbomError: If one is not installed that has to be.
    """
    found: dict[str, Distribution] = {}
    waiting, seen = list(_requirements(file)), set[tuple[str, frozenset[str]]]()
    while waiting:
        wanted = waiting.pop()
        name, extras = canonical(wanted.name), frozenset(wanted.extras)
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        try:
            found[name] = distribution(name)
        except PackageNotFoundError as error:
            if complete:
                raise SbomError(f"{wanted} is not installed; run: make app") from error
            continue
        asked = [Requirement(line) for line in found[name].requires or []]
        waiting += [one for one in asked if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras or {""})]
    return found


def canonical(name: str) -> str:
    """A package's name as indexes compare it: "PyYAML" -> "pyyaml"."""
    return re.sub(r"[-_.]+", "-", name).lower()


def vendored(folder: str) -> dict[str, Any]:
    """A library in app/vendor, from the lines of its README that its update.sh writes. Raises SbomError if a file is not as it says."""
    name, licence = _VENDORED[folder]
    told = (_VENDOR / folder / "README.md").read_text(encoding="utf-8")
    version, digests = re.search(r"^# \S+ (\S+)", told), re.findall(r"\b[0-9a-f]{64}\b", told)
    if version is None or not digests:
        raise SbomError(f"app/vendor/{folder}/README.md names no version or no sha256")
    found = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (_VENDOR / folder).iterdir() if path.suffix in (".js", ".woff2")}
    if found != set(digests):
        raise SbomError(f"app/vendor/{folder}: the files are not those of its README")
    part = _component(name, version[1], licence, "required", f"pkg:npm/{name.replace('@', '%40')}@{version[1]}")
    # Of a library in several files the digests of all, in the order of the README.
    return {**part, "hashes": [{"alg": "SHA-256", "content": digest} for digest in digests]}


def _requirements(file: Path) -> Iterator[Requirement]:
    for line in file.read_text(encoding="utf-8").splitlines():
        text = line.split("#")[0].strip()
        if text.startswith("-r "):
            yield from _requirements(file.parent / text[3:].strip())
        elif text:
            yield Requirement(text)


def _python(one: Distribution, scope: str) -> dict[str, Any]:
    told, name = one.metadata, canonical(one.metadata["Name"])
    # Asked for all: to ask for one that is missing will be an error.
    expression, field = (next(iter(told.get_all(key) or []), None) for key in ("License-Expression", "License"))
    licence = stated(expression, field, told.get_all("Classifier") or [])
    # A "+" in a version, as of a build for CPUs, has a meaning of its own in such an address.
    return _component(name, one.version, licence, scope, f"pkg:pypi/{name}@{one.version.replace('+', '%2B')}")


def _npm() -> list[dict[str, Any]]:
    """The tools that check the browser's side; none of them is passed on with the app."""
    packages = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    named = {(place.split("node_modules/")[-1], told["version"]): told.get("license", "") for place, told in packages.items() if place}
    return [
        _component(name, version, licence, "excluded", f"pkg:npm/{name.replace('@', '%40')}@{version}")
        for (name, version), licence in sorted(named.items())
    ]


def _component(name: str, version: str, licence: str, scope: str, address: str) -> dict[str, Any]:
    told = {"type": "library", "bom-ref": address, "name": name, "version": version, "scope": scope}
    return {**told, "licenses": _licences(licence), "purl": address}


def _licences(licence: str) -> list[dict[str, Any]]:
    if not licence:
        return []
    if re.search(r" (AND|OR|WITH) ", licence):
        return [{"expression": licence}]
    # Only SPDX's own names may be called an id.
    return [{"license": {"id" if licence in ALLOWED and " " not in licence else "name": licence}}]


def _own_version() -> str:
    found = re.search(r'__version__ = "([^"]+)"', (ROOT / "vqseg" / "__init__.py").read_text(encoding="utf-8"))
    return found[1] if found else "unknown"


if __name__ == "__main__":
    sys.exit(main())
