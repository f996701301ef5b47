"""What is kept of a codebook in evaluation is never stale: whatever was done to the weights, the answers are those of a fresh network."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from tests.tiny import tiny_model
from vqseg.inference import Segmenter
from vqseg.quantization.kept import Keeper
from vqseg.quantization.perturbation import QuantizedPerturbation, adaptive_temperature
from vqseg.quantization.quantizer import VectorQuantizer

SIZE, DIM = 24, 5


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def a_quantizer(seed: int = 0) -> VectorQuantizer:
    torch.manual_seed(seed)
    return VectorQuantizer(SIZE, DIM).eval()


def fresh(quantizer: VectorQuantizer) -> VectorQuantizer:
    """Another quantizer with the same weights, which has answered nothing yet."""
    other = VectorQuantizer(len(quantizer.basis), DIM)
    other.load_state_dict({name: value.float() for name, value in quantizer.state_dict().items()})
    return other.eval()


def a_step(quantizer: VectorQuantizer) -> None:
    quantizer.train()
    optimizer = torch.optim.SGD(quantizer.parameters(), 0.5)
    with torch.enable_grad():
        quantizer(random(2, DIM, 3, 4, seed=1)).loss.backward()
    optimizer.step()
    quantizer.eval()


def averaged(quantizer: VectorQuantizer) -> None:
    average, other = AveragedModel(quantizer), fresh(quantizer)
    other.mapping.weight.data.mul_(2)
    for student in (quantizer, other):
        average.update_parameters(student)
    quantizer.load_state_dict(average.module.state_dict())


def turned(quantizer: VectorQuantizer) -> None:
    quantizer.mapping.weight = nn.Parameter(random(DIM, DIM, seed=5))


def resized(quantizer: VectorQuantizer) -> None:
    keep = torch.ones(len(quantizer.basis), dtype=torch.bool)
    keep[:3] = False
    if len(keep) > 8:
        quantizer.prune(keep)


def reloaded(quantizer: VectorQuantizer) -> None:
    quantizer._resize(random(SIZE, DIM, seed=9), torch.zeros(SIZE, dtype=torch.int64))
    quantizer.load_state_dict(a_quantizer(3).state_dict())


CHANGES: dict[str, Callable[[VectorQuantizer], object]] = {
    "nothing": lambda quantizer: None,
    "in place": lambda quantizer: quantizer.basis.mul_(1.1),
    "one number": lambda quantizer: quantizer.mapping.weight.detach()[1, 2].add_(0.5),
    "data": lambda quantizer: quantizer.mapping.weight.data.mul_(-1),
    "other data": lambda quantizer: setattr(quantizer.basis, "data", quantizer.basis + 1),
    "numpy": lambda quantizer: quantizer.basis.numpy().__imul__(0.7),
    "half and back": lambda quantizer: quantizer.half().float(),
    "double and back": lambda quantizer: quantizer.double().float(),
    "training step": a_step,
    "average": averaged,
    "another matrix": turned,
    "pruned": resized,
    "loaded": reloaded,
    "placed": lambda quantizer: quantizer.initialise(random(60, DIM, seed=4), torch.Generator().manual_seed(0)),
}


@given(st.lists(st.sampled_from(sorted(CHANGES)), min_size=1, max_size=6), st.booleans())
@settings(max_examples=80, deadline=None)
def test_whatever_changes_the_weights_the_answers_are_those_of_a_fresh_quantizer(changes: list[str], inference: bool) -> None:
    quantizer, z, indices = a_quantizer(), random(2, DIM, 6, 7, seed=2), torch.arange(8)
    for change in changes:
        with torch.no_grad():
            CHANGES[change](quantizer)
        with torch.inference_mode() if inference else torch.no_grad():
            expected = fresh(quantizer)
            found, wanted = quantizer(z), expected(z)
            assert torch.equal(found.indices, wanted.indices) and torch.equal(found.quantized, wanted.quantized), change
            assert torch.equal(quantizer.lookup(indices), expected.lookup(indices)), change


def test_weights_made_for_inference_alone_are_told_apart_too() -> None:
    quantizer, z = a_quantizer(), random(2, DIM, 6, 7, seed=2)
    for factor in (1.0, 2.0, -1.0):
        with torch.inference_mode():
            quantizer.basis = quantizer.basis * factor
            assert torch.equal(quantizer(z).quantized, fresh(quantizer)(z).quantized)
            quantizer.basis.add_(1)
            assert torch.equal(quantizer(z).quantized, fresh(quantizer)(z).quantized)


def test_what_follows_from_the_weights_is_worked_out_once() -> None:
    quantizer, z = a_quantizer(), random(1, DIM, 3, 3)
    with torch.no_grad():
        kept = quantizer.mapped
        quantizer(z)
        quantizer.lookup(torch.arange(3))
        assert quantizer.mapped is kept and quantizer.mapped.search is kept.search
        quantizer.basis[3, 1] += 1e-6
        assert quantizer.mapped is not kept


def test_what_is_kept_is_no_part_of_the_weights_and_no_copy_shares_it() -> None:
    quantizer, bare = a_quantizer(), set(a_quantizer().state_dict())
    with torch.no_grad():
        kept = quantizer.mapped
    assert set(quantizer.state_dict()) == bare
    assert len(pickle.dumps(quantizer)) == len(pickle.dumps(a_quantizer()))
    file = io.BytesIO()
    torch.save(quantizer.state_dict(), file)
    for other in (copy.deepcopy(quantizer), pickle.loads(pickle.dumps(quantizer))):
        with torch.no_grad():
            assert other.mapped is not kept
            other.basis.zero_()
            assert not other.mapped.codewords.any() and quantizer.mapped is kept


def test_in_evaluation_the_gradient_still_reaches_the_mapping() -> None:
    quantizer, z = a_quantizer(), random(2, DIM, 3, 4, seed=1)
    with torch.inference_mode():
        quantizer(z)
    quantizer(z).loss.backward()
    there = quantizer.mapping.weight.grad
    quantizer.zero_grad()
    quantizer.train()(z).loss.backward()
    assert there is not None and torch.equal(there, quantizer.mapping.weight.grad)
    # Frozen, as the teacher is: what was kept in inference mode can be used where a gradient is wanted.
    quantizer.eval().requires_grad_(False)
    with torch.inference_mode():
        quantizer(z)
    asked = z.clone().requires_grad_()
    quantizer(asked).quantized.sum().backward()
    assert torch.equal(asked.grad, torch.ones_like(z))


def test_threads_that_share_a_network_get_the_answer_of_some_weights_it_had() -> None:
    quantizer, z = a_quantizer(), random(1, DIM, 8, 8)
    books = [random(SIZE, DIM, seed=seed) for seed in range(4)]
    answers = []
    with torch.no_grad():
        for book in books:
            quantizer.basis = book
            answers.append(fresh(quantizer)(z).indices)

        def ask(number: int) -> bool:
            with torch.no_grad():
                quantizer.basis = books[number % 4]
                found = quantizer(z).indices
                return any(torch.equal(found, answer) for answer in answers)

        with ThreadPoolExecutor(4) as threads:
            assert all(threads.map(ask, range(200)))
            quantizer.basis = books[2]
            assert all(torch.equal(found.indices, answers[2]) for found in threads.map(quantizer, [z] * 8))


@pytest.mark.parametrize("settings", [{"temperature": "adaptive"}, {"temperature": None, "reach": 5.0}])
def test_temperature_and_reach_follow_the_weights(settings: dict[str, object]) -> None:
    model = tiny_model(**settings)
    segmenter = Segmenter(model)
    with torch.no_grad():
        for factor in (1.0, 3.0, 0.2):
            model.quantizer.basis.numpy()[:] *= factor
            other = Segmenter(copy.deepcopy(model))
            assert float(model.perturbation.temperature) == float(copy.deepcopy(model).perturbation.temperature)
            assert segmenter.reaches is segmenter.reaches and segmenter.reach == other.reach
            assert segmenter.temperature_at(None) == other.temperature_at(None) and (segmenter.codewords == other.codewords).all()


def test_the_modules_adaptive_temperature_follows_the_codewords(monkeypatch: pytest.MonkeyPatch) -> None:
    solved = []

    def counted(codewords: Tensor, temperature: object) -> Tensor:
        solved.append(temperature)
        return torch.tensor(adaptive_temperature(codewords))

    monkeypatch.setattr("vqseg.quantization.perturbation.qpm.temperature_of", counted)
    perturb, codewords, indices = QuantizedPerturbation("resample", "adaptive"), random(40, 4), torch.arange(40).view(1, 5, 8)
    for change in (lambda: codewords.mul_(2), lambda: codewords.numpy().__imul__(0.1), lambda: codewords.__setitem__(3, 0.0)):
        change()
        expected = QuantizedPerturbation("resample", adaptive_temperature(codewords))
        for seed in range(3):
            draws = [one(indices, codewords, 0.8, torch.Generator().manual_seed(seed)) for one in (perturb, expected)]
            assert torch.equal(*draws)
    assert solved == ["adaptive"] * 3


def test_a_keeper_works_on_copies() -> None:
    keeper: Keeper[Tensor] = Keeper()
    source = torch.ones(3)

    def meddled(copied: Tensor) -> Tensor:
        # As another thread may do it meanwhile.
        source.add_(1)
        return copied * 10

    assert keeper.get((source,), meddled).value.tolist() == [10.0] * 3
    assert keeper.get((source,), lambda copied: copied * 10).value.tolist() == [20.0] * 3
