"""What mkdocs is told beside mkdocs.yml: pages that are made of the project's own files, so that nothing is written twice."""

from __future__ import annotations

import re
from contextlib import redirect_stdout, suppress
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parent.parent
# Files beside docs/, by the page that shows them.
BESIDE = {"contributing.md": "CONTRIBUTING.md", "security-policy.md": "SECURITY.md", "changelog.md": "CHANGELOG.md"}
COMMANDS = "<!-- commands -->"
_LINK = re.compile(r"\[([^\[\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig, **_: Any) -> Files:
    """Add the pages that lie beside docs/."""
    for page, name in BESIDE.items():
        files.append(File.generated(config, page, content=(ROOT / name).read_text(encoding="utf-8")))
    return files


def on_page_markdown(markdown: str, page: Any, files: Files, **_: Any) -> str:
    """Point links to pages of the site, and take those away that lead to files which it has not; list the commands."""
    here = page.file.src_uri
    text = _LINK.sub(lambda found: _link(found, here, files), markdown)
    return text.replace(COMMANDS, command_help()) if COMMANDS in text else text


def _link(found: re.Match[str], here: str, files: Files) -> str:
    text, target, anchor = found[1], found[2], found[3] or ""
    if "://" in target or target.startswith("mailto:"):
        return found[0]
    # As in the repository: relative to the file, which for pages beside docs/ lies above it.
    folder = ROOT if here in BESIDE else (ROOT / "docs" / here).parent
    path = (folder / target).resolve()
    known = {(ROOT / name).resolve(): page for page, name in BESIDE.items()}
    page = known.get(path)
    if page is None and path.is_relative_to(ROOT / "docs"):
        page = path.relative_to(ROOT / "docs").as_posix()
    if page is not None and files.get_file_from_path(page) is not None:
        up = "../" * here.count("/")
        return f"[{text}]({up}{page}{anchor})"
    # A file of the repository, such as a checkpoint or a module: the text alone stays.
    return text if path.exists() else found[0]


def command_help() -> str:
    """Every command with its help, as a terminal of 100 columns shows it."""
    from vqseg.cli import commands

    parts = []
    for name, command in commands.COMMANDS.items():
        told = StringIO()
        with redirect_stdout(told), mock.patch.dict("os.environ", {"COLUMNS": "100", "NO_COLOR": "1"}), suppress(SystemExit):
            commands.main([name, "--help"])
        parts.append(f"## {name}\n\n{command.what.capitalize()}.\n\n```text\n{told.getvalue().strip()}\n```")
    return "\n\n".join(parts)
