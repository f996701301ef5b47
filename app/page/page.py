"""The page as Gradio knows it, and what every event of it goes through, whoever sends it: the page or a program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from app.visit.unforeseen import told
from app.visit.uploads import NOT_HERE, Uploads


class Page(gr.Blocks):
    """Blocks that let no error out as it is, and take no file that is not an upload.

    Their endpoints may be called without their last arguments. These then have their defaults, as in gradio_client.
    """

    def __init__(self, uploads: Uploads, **options: Any) -> None:
        """Build it.

        Args:
            uploads: The files that have arrived.
            options: Of gr.Blocks.
        """
        super().__init__(**options)
        self._uploads = uploads

    def validate_inputs(self, block_fn: Any, inputs: list[Any]) -> None:
        """Complete the arguments of a call, then check them as Gradio does, before it touches any file.

        Args:
            block_fn: Gradio's record of the endpoint.
            inputs: The arguments; the missing ones are appended.

        Raises:
            gr.Error: If one of them is a file that is no upload of this server, or was read already.
        """
        if block_fn.api_visibility == "public":
            inputs.extend(block.value for block in block_fn.inputs[len(inputs) :])
        super().validate_inputs(block_fn, inputs)
        # Gradio would fetch an address, and hand on any file that the server has handed out.
        if not all(self._uploads.knows(path) for path in _paths(inputs)):
            raise gr.Error(NOT_HERE, print_exception=False)

    async def process_api(self, block_fn: Any, inputs: list[Any], *given: Any, **options: Any) -> dict[str, Any]:
        """Answer an event as Gradio does. Files that came with it do not outlast it, whatever happens.

        Args:
            block_fn: Gradio's record of the event.
            inputs: The values of its components.
            given: Further arguments of Gradio's method.
            options: The same.

        Returns:
            Gradio's record of the answer.

        Raises:
            gr.Error: If the event fails. Nobody prints it.
        """
        sent = list(_paths(inputs))
        try:
            return await super().process_api(block_fn, inputs, *given, **options)
        except gr.Error as error:
            # Gradio's own have a message for the visitor too, but it would print them, with what was sent.
            error.print_exception = False
            raise
        except Exception as error:
            raise gr.Error(told(error), duration=None, print_exception=False) from None
        finally:
            self._uploads.discard(sent)


def _paths(value: Any) -> Iterator[str]:
    """The paths of all files in what a browser or a program has sent."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            path = one.get("path")
            if isinstance(path, str) and "meta" in one:
                yield path
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
