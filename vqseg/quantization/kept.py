"""What follows from a network's weights, kept until a weight has another value.

Serving asks for the same codebook at every slice. Weights change in many ways (an optimiser, `load_state_dict`, an assignment to `.data`, a
NumPy array over the same memory), and not all of them leave a trace: so on a CPU the weights themselves are compared, which costs far less
than anything that is kept. On an accelerator nothing is kept, as the host would have to wait for the comparison.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, Self, TypeVar

import torch
from torch import Tensor

Value = TypeVar("Value")


class Kept(NamedTuple, Generic[Value]):
    """A value, and the tensors that it was worked out from. Never written to after it was made.

    stamp: equal to that of another `Kept` only if both are the same one.
    """

    sources: tuple[Tensor, ...]
    value: Value
    stamp: object

    def fits(self, sources: tuple[Tensor, ...]) -> bool:
        """Whether these tensors have the values of those that this was worked out from."""
        return all(_equal(mine, yours) for mine, yours in zip(self.sources, sources, strict=True))


class Keeper(Generic[Value]):
    """Holds the last value of a function of tensors. Safe to share between threads: the worst is that two work the same out.

    A copy, of the keeper or of a network with it, begins empty; so does a pickled one.
    """

    def __init__(self) -> None:
        self._kept: Kept[Value] | None = None

    def get(self, sources: tuple[Tensor, ...], work: Callable[..., Value]) -> Kept[Value]:
        """The value for these tensors, worked out again if one of them has changed.

        Args:
            sources: Tensors on a CPU.
            work: Their function. It gets copies, so that what is kept belongs to them even if a source changes meanwhile.

        Returns:
            The value, with another stamp once something has changed.
        """
        kept = self._kept
        if kept is None or not kept.fits(sources):
            # Values made for inference alone could not be used with a gradient later.
            with torch.inference_mode(False), torch.no_grad():
                copies = tuple(source.detach().clone() for source in sources)
                kept = self._kept = Kept(copies, work(*copies), object())
        return kept

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return type(self)()

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        return type(self), ()


def comparable(*sources: Tensor) -> bool:
    """Whether the values of these tensors can be compared without waiting for a device."""
    return not torch.compiler.is_compiling() and all(source.device.type == "cpu" for source in sources)


def _equal(one: Tensor, other: Tensor) -> bool:
    return one.dtype == other.dtype and one.shape == other.shape and one.device == other.device and torch.equal(one, other)
