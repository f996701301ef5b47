"""The English texts that the page shows, as they stand in the code: what a catalogue (app/web/texts) has to have.

A part that comes in from elsewhere is {}. Names of things that no visitor sees are left out by their look, and one by one in NOT_SHOWN.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

from app.scan.structures import FULL_NAMES, labelled
from app.tabs.registry import TABS
from app.visit.manifest import read_manifest
from app.web.glossary import terms
from vqseg.codebook.kinds import kinds
from vqseg.inference import replacements

ROOT = Path(__file__).resolve().parents[1]
APP = ROOT / "app"
NODE_MODULES = ROOT / "node_modules"
_ATTRIBUTES = ("title", "aria-label", "placeholder", "alt", "data-here")
_WORDS_APART = {"span", "b", "strong", "em", "code", "kbd", "a", "small", "button", "output"}
_VOID = {"input", "br", "img", "use", "path", "rect", "circle"}
# Two words, or a word at the beginning of a line: names of files, styles and the like have neither.
_LOOKS_SHOWN = re.compile(r"[A-Za-zε]{2,}[,.:;]? +[\w({“ε×]|[\w})%] [A-Za-z]{2,}|^[A-Z][a-z]{2,}")
_NAMES_SOMETHING = re.compile(
    r"[<>]|=>|^[.#\[:('_]|[\w-]+\[|^\W*data-|://|\d(px|rem|fr)\b|\{\}px|^(script|SPAN|input)\b.*, |^\w+-gradient|^rgb"
    r"|must be (a|an|one|at|from|\[)|must name|; charset|^[A-Z][a-z]+(-[A-Z][a-z]+)+$|^[A-Z][a-z]+T$"
)
# Of programs alone: endpoints, requests that no view of the page sends, what whoever runs the server reads, and what plotly is told.
_FOR_PROGRAMS = ("page/endpoints.py", "page/guard.py", "page/closed.py", "page/theme.py", "page/sending.py", "page/preloading.py")
_FOR_OPERATORS = ("visit/manifest.py", "visit/private_folder.py", "tabs/learn/command.py", "web/__init__.py", "web/glossary.py")
# Put together from pieces: the whole sentences stand in the catalogue.
_PIECES = ("1 scan is", "{} scans are", "; they take about {} s", "dropout p =", " at {} mm", "; this scan has {} {} slices")
_OTHERWISE_SPOKEN = ("tabs/learn/", "tabs/export/lines.py", "tabs/export/bundle.py", "scan/figures.py", "tabs/codebook/film.py")


@cache
def has_node() -> bool:
    """Whether modules can be read: node and its parser are there."""
    return shutil.which("node") is not None and (NODE_MODULES / "acorn").is_dir()


def texts_of_modules() -> dict[str, list[str]]:
    """By module, the texts of the browser's side. The lesson's own are in its files."""
    files = [
        path for pattern in ("web/*.js", "page/*.js", "tabs/*/*.js") for path in sorted(APP.glob(pattern)) if path.parent.name != "learn"
    ]
    script = ROOT / "tests" / "web" / "texts_of_modules.js"
    told = subprocess.run(["node", script, *files], capture_output=True, text=True, check=True).stdout
    return {name: list(filter(looks_shown, texts)) for name, texts in json.loads(told).items()}


def texts_of_templates() -> dict[str, list[str]]:
    """By template, its texts and sentences. A sentence with words set apart is one text with these in brackets."""
    files = [*APP.glob("page/*.html"), APP / "page/title_figure.svg", *APP.glob("tabs/*/*.html")]
    return {str(path): list(_read(path.read_text(encoding="utf-8"))) for path in files}


def texts_of_python() -> dict[str, list[str]]:
    """By module of the app, what it says."""
    silent = (*_FOR_PROGRAMS, *_FOR_OPERATORS, *_OTHERWISE_SPOKEN)
    files = [path for path in sorted(APP.glob("**/*.py")) if not path.relative_to(APP).as_posix().startswith(silent)]
    return {str(path): list(filter(looks_shown, _folded_texts(path))) for path in files}


def texts_of_records() -> dict[str, list[str]]:
    """Texts that come from data: terms, examples, names of structures and of perturbations."""
    cases = read_manifest(ROOT / "assets" / "examples")
    shown = [text for case in cases for text in (case.name, case.line, case.look, case.note, case.group) if text]
    return {
        "app/web/glossary.yaml": [text for term in terms().values() for text in (term["title"], term["text"])],
        "assets/examples": shown,
        "app/scan/structures.py": [
            *FULL_NAMES.values(),
            *map(str.capitalize, FULL_NAMES.values()),
            *(labelled(name) for name in FULL_NAMES),
        ],
        "app/tabs/registry.py": [tab.title for tab in TABS],
        "vqseg": [*replacements().values(), *(kind.title for kind in kinds())],
    }


def texts_of_the_package() -> list[str]:
    """What the package says of files, checkpoints and scans, in errors and notes."""
    folders = ("data", "inference", "codebook", "cardiac")
    return [
        text for name in folders for path in (ROOT / "vqseg" / name).glob("**/*.py") for text in filter(looks_shown, _folded_texts(path))
    ]


def looks_shown(text: str) -> bool:
    """Whether a text of the code looks as if a visitor read it."""
    return text not in _PIECES and _LOOKS_SHOWN.search(text) is not None and _NAMES_SOMETHING.search(text) is None


class _Template(HTMLParser):
    """Collects what a template shows."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._open: list[tuple[str, list[tuple[str, str]], bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        verbatim = given.get("translate") == "no" or (bool(self._open) and self._open[-1][2])
        self.found += [value for name in _ATTRIBUTES if (value := given.get(name)) and not verbatim]
        if tag not in _VOID:
            self._open.append((tag, [], verbatim))

    def handle_data(self, data: str) -> None:
        if self._open and not self._open[-1][2]:
            self._open[-1][1].append(("", data))

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID or not self._open:
            return
        name, parts, _ = self._open.pop()
        plain = all(kind == "" for kind, _ in parts)
        if self._open:
            self._open[-1][1].append((name if plain else "complex", "".join(text for _, text in parts)))
        self.found += _sentences(name, parts)


def _sentences(tag: str, parts: list[tuple[str, str]]) -> Iterator[str]:
    """The texts of an element: as one sentence if words are set apart in it, else each by itself."""
    own = [one_line(text) for kind, text in parts if kind == "" and text.strip()]
    kinds = {kind for kind, _ in parts if kind}
    if own and kinds and kinds <= _WORDS_APART:
        yield one_line("".join(f"[{text}]" if kind else text for kind, text in parts))
    elif tag != "code":
        yield from own


def _read(template: str) -> Iterator[str]:
    parser = _Template()
    parser.feed(template)
    yield from (text for text in parser.found if re.search("[A-Za-z]{2}", re.sub(r"\{\w+\}", "", text)))


def one_line(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _folded_texts(path: Path) -> Iterable[str]:
    """The strings of a module, without its docstrings, put together as far as they stand together."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}

    def visit(node: ast.AST) -> Iterator[str]:
        if id(node) in docs or (isinstance(node, ast.Call) and ast.unparse(node.func).startswith("logger.")):
            return
        text = _folded(node)
        if text is None:
            for child in ast.iter_child_nodes(node):
                yield from visit(child)
        else:
            yield text
            for inside in ast.walk(node):
                if isinstance(inside, ast.FormattedValue):
                    yield from visit(inside.value)

    return visit(tree)


def _folded(node: ast.AST) -> str | None:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _folded(node.left), _folded(node.right)
        return None if left is None and right is None else (left or "{}") + (right or "{}")
    return None
