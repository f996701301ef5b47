"""docs/elsewhere.md holds: each of its blocks runs as it stands, and does what the text around it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import torch

from vqseg import QuantizedBottleneck, VectorQuantizer

TEXT = (Path(__file__).parents[1] / "docs" / "elsewhere.md").read_text(encoding="utf-8")


def run(heading: str) -> dict[str, Any]:
    """What the block below a heading leaves behind."""
    section = TEXT.split(f"\n## {heading}", 1)[1].split("\n## ")[0]
    blocks = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    assert len(blocks) == 1
    left: dict[str, Any] = {"__name__": heading}
    exec(compile(blocks[0], "docs/elsewhere.md", "exec"), left)
    return left


def test_every_section_has_a_block_and_every_block_a_test() -> None:
    headings = re.findall(r"^## (.+)$", TEXT, re.MULTILINE)
    tested = re.findall(r'run\("(.+?)"\)', Path(__file__).read_text(encoding="utf-8"))
    assert len(headings) == 4 == TEXT.count("```python")
    assert all(any(heading.startswith(one) for one in tested) for heading in headings)


def test_a_plain_unet_learns_through_the_codebook() -> None:
    left = run("A plain UNet")
    losses, model = left["losses"], left["model"]
    assert losses[-1] < 0.7 * losses[0]
    assert model.qpm.quantizer.mapping.weight.grad.abs().sum() > 0 and model.bottom[0].weight.grad.abs().sum() > 0
    model.eval()
    with torch.no_grad():
        assert torch.equal(model(left["images"]), model(left["images"]))
        assert not torch.equal(model(left["images"]), model(left["images"], strength=1.0))


def test_monais_networks_take_the_layer_in_one_line() -> None:
    pytest.importorskip("monai", reason="MONAI is not installed; it is no dependency")
    left = run("MONAI's UNet and SwinUNETR")
    for network, logits in left["outputs"].items():
        assert logits.shape == (2, 4, 64, 64)
        (layer,) = (part for part in network.modules() if isinstance(part, QuantizedBottleneck))
        assert bool(layer.placed) and layer.quantizer.mapping.weight.grad.abs().sum() > 0
        first = next(network.parameters())
        assert first.grad is not None and first.grad.abs().sum() > 0
        network.eval()
        with torch.no_grad():
            whole = network(left["images"])
            layer.register_forward_pre_hook(lambda part, words: (torch.zeros_like(words[0]),))
            assert not torch.equal(whole, network(left["images"]))


def test_a_loop_like_unimatchs_trains_with_swaps_in_place_of_dropout() -> None:
    left = run("In place of `nn.Dropout2d`, in a loop like UniMatch's")
    assert sum(left["losses"][-3:]) < 0.85 * sum(left["losses"][:3])
    perturb, clean, stream = left["perturb"], left["clean"], left["feature_stream"]
    moved = (clean[4:12] != stream).any(1).float().mean()
    # Both read the same images through the same weights; what differs was swapped.
    assert 0.3 < moved < 0.7
    codewords = perturb.quantizer.codewords().detach()
    assert isinstance(perturb.quantizer, VectorQuantizer) and len(codewords) == 64


def test_the_quantizer_alone_gives_swaps_that_only_grow() -> None:
    left = run("The quantizer alone")
    indices = left["answer"].indices
    assert left["answer"].quantized.shape == (2, 32, 8, 8) and indices.shape == (2, 8, 8)
    near, more = left["near"] != indices, left["more"] != indices
    assert near.any() and bool((more | ~near).all()) and more.sum() > near.sum()
    assert left["perturbed"].shape == (2, 8, 8, 32)
    assert left["radius"] > 0
