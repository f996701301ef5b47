"""What the page's events give back where there is nothing to change."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest
from app_server import fake_models, fake_served

from app.page.build import build
from app.visit.session import SessionStore

VISIT = SimpleNamespace(session_hash="a visit")


@pytest.fixture(scope="module")
def handlers() -> dict[str, Any]:
    """The functions behind the events of an app without any example, by name."""
    app = build(fake_models(fake_served()), [], SessionStore(byte_cap=2**24))
    return {function.fn.__name__: function.fn for function in app.blocks.fns.values() if function.fn is not None}


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("linked", ({}, "a ticket", VISIT)),
        ("example", ("no such case", "fake", "another ticket", VISIT)),
        ("other", ("  ", None, "a third ticket", VISIT)),
        ("restored", (None, VISIT)),
        ("plane", (None, "coronal")),
        ("download", (None, ".nrrd")),
    ],
)
def test_an_event_without_a_result_skips_its_outputs(handlers: dict[str, Any], name: str, arguments: tuple[Any, ...]) -> None:
    # Gradio takes an empty dict for one value, and fails where there are several outputs.
    assert handlers[name](*arguments) == gr.skip()
