"""Quantized Perturbation Module (Eq. 3-6): indices -> indices, and the size of what it does.

Changes indices only; turning them into vectors is the quantizer's work. Never holds a K x K matrix.
Shapes: indices (...,) int64, codewords (K, D), rows (R,).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vqseg.transfer import to_device
from vqseg.types import Share

# Elements of one block of rows x K distances (64 MB in float32).
_BLOCK = 1 << 24
# The same for a block that is passed over several times in float64 (4 MB).
_CACHED = 1 << 19
# Sums below this may have lost terms to the float's smallest number.
_UNDERFLOW = 1e-280
_TEMPERATURE_ROWS = 512

Temperature = float | Literal["adaptive"]
_WHOLE = Share()


def _check(codewords: Tensor, strength: float) -> None:
    if codewords.dim() != 2 or len(codewords) < 2:
        raise ValueError(f"expected at least two codewords as a (K, D) matrix, got {tuple(codewords.shape)}")
    if not 0.0 <= strength <= 1.0:
        raise ValueError(f"strength must lie in [0, 1], got {strength}")


def squared_distances(rows: Tensor, codewords: Tensor) -> Tensor:
    """Squared Euclidean distances from codewords[rows] (R,) to all codewords (K, D), (R, K); the own one is +inf.

    Distances are taken after centring, so that codewords far from the origin but close together keep their differences.
    """
    centred = codewords - codewords.mean(0, keepdim=True)
    norms = centred.square().sum(1)
    chosen = centred[rows]
    distances = torch.addmm(norms, chosen, centred.T, alpha=-2).add_(norms[rows, None]).clamp_(min=0)
    return distances.scatter_(1, rows[:, None], math.inf)


def adaptive_temperature(codewords: Tensor) -> float:
    """Median squared distance to the nearest other codeword, over at most 512 evenly spread codewords (K, D).

    With it exp(-d / temperature) has the same spread whatever the codebook's scale. Never zero.
    """
    return float(_adaptive_temperature(codewords))


def _adaptive_temperature(codewords: Tensor) -> Tensor:
    size = len(codewords)
    rows = torch.linspace(0, size - 1, min(size, _TEMPERATURE_ROWS), device=codewords.device).long()
    return squared_distances(rows, codewords).amin(1).median().clamp(min=1e-12)


def _resolve(temperature: Temperature, codewords: Tensor) -> Tensor:
    """The temperature as a scalar on the codewords' device: read as a number it would make the host wait."""
    if temperature == "adaptive":
        return _adaptive_temperature(codewords)
    if not float(temperature) > 0:
        raise ValueError(f"temperature must be positive or 'adaptive', got {temperature!r}")
    return codewords.new_full((), float(temperature))


def _blocks(rows: Tensor, size: int) -> Iterator[Tensor]:
    return iter(rows.split(max(1, _BLOCK // size)))


def transition_probabilities(codewords: Tensor, strength: float, rows: Tensor | None = None, temperature: Temperature = 1.0) -> Tensor:
    """Rows of pi(j|i), Eq. 4: 1 - strength on the diagonal, the rest by exp(-d / temperature). -> (R, K), each row sums to 1.

    codewords (K, D); rows (R,) int64, all K if None. Raises ValueError for fewer than two codewords or a strength outside [0, 1].
    """
    _check(codewords, strength)
    if rows is None:
        rows = torch.arange(len(codewords), device=codewords.device)
    scale = _resolve(temperature, codewords)
    weights = torch.softmax(squared_distances(rows, codewords).div_(-scale), dim=1).mul_(strength)
    return weights.scatter_(1, rows[:, None], 1.0 - strength)


def _log_marginal(codewords: Tensor, strength: float, temperature: Temperature) -> Tensor:
    """log Q(c_j | strength), (K,) float64, finite wherever Q is positive, however small."""
    _check(codewords, strength)
    moved = _log_inflow(codewords.double(), _resolve(temperature, codewords))
    return _log_mixture(moved, strength) - math.log(len(codewords))


def _log_mixture(moved: Tensor, strength: float) -> Tensor:
    """log(1 - strength + strength * exp(moved)), in the logarithm throughout."""
    stay = torch.tensor(1.0 - strength, dtype=torch.float64, device=moved.device).log()
    move = torch.tensor(strength, dtype=torch.float64, device=moved.device).log()
    return torch.logaddexp(stay.expand_as(moved), move + moved)


def _log_inflow(codewords: Tensor, scale: Tensor) -> Tensor:
    """log of sum_{i != j} exp(-d_ij / scale) / Z_i for every j: codewords (K, D) float64 -> (K,).

    Summed plainly in blocks of rows that fit into the cache. A codeword that is nobody's near neighbour comes out as zero then, long
    before its logarithm does: those columns are summed again in the logarithm.
    """
    size = len(codewords)
    everyone = torch.arange(size, device=codewords.device)
    inflow, log_normaliser = codewords.new_zeros(size), codewords.new_empty(size)
    for rows in everyone.split(max(1, _CACHED // size)):
        logits = squared_distances(rows, codewords).div_(-scale)
        highest = logits.amax(1, keepdim=True)
        weights = logits.sub_(highest).exp_()
        total = weights.sum(1)
        log_normaliser[rows] = total.log() + highest.squeeze(1)
        inflow += total.reciprocal() @ weights
    lost = (inflow < _UNDERFLOW).nonzero().squeeze(1)
    result = inflow.log()
    for columns in lost.split(max(1, _BLOCK // size)):
        # d is symmetric: the columns of the lost ones are their rows.
        logits = squared_distances(columns, codewords).div_(-scale).sub_(log_normaliser)
        result[columns] = torch.logsumexp(logits, dim=1)
    return result


def perturbed_marginal(codewords: Tensor, strength: float, temperature: Temperature = 1.0) -> Tensor:
    """Q(c_j | strength) under a uniform prior, Eq. 5: (K,) float64, sums to 1. Computed in blocks of rows."""
    return _log_marginal(codewords, strength, temperature).exp()


def perturbation_radius(codewords: Tensor, strength: float, temperature: Temperature = 1.0) -> float:
    """KL(P || Q) in nats, Eq. 6; finite for every strength in [0, 1] and never negative."""
    return perturbation_radii(codewords, [strength], temperature)[0]


def perturbation_radii(codewords: Tensor, strengths: Sequence[float], temperature: Temperature = 1.0) -> list[float]:
    """`perturbation_radius` at many strengths for the price of one: what the others bring to a codeword is summed once."""
    for strength in strengths:
        _check(codewords, strength)
    moved = _log_inflow(codewords.double(), _resolve(temperature, codewords))
    # P is 1 / K, Q is the mixture's K-th part: the K cancels.
    return [max(0.0, float(-_log_mixture(moved, strength).mean())) for strength in strengths]


def radius_bounds(distances: tuple[float, float], strength: float) -> tuple[float, float]:
    """Between what KL(P || Q) lies, Appendix B: (lower, upper) in nats.

    distances: the smallest and the largest d / temperature between two codewords. Every off-diagonal term of pi is then between
    exp(-D_max) / ((K - 1) exp(-D_min)) and exp(-D_min) / ((K - 1) exp(-D_max)) times the strength; a codeword gathers K - 1 of
    them, so that K Q(c_j) lies between 1 - strength + strength * exp(-+(D_max - D_min)). No divergence is below 0.
    """
    width = torch.tensor(distances[1] - distances[0], dtype=torch.float64)
    low, high = (float(_log_mixture(sign * width, strength)) for sign in (-1, 1))
    return max(0.0, -high), max(0.0, -low)


def distance_range(codewords: Tensor, temperature: Temperature = 1.0) -> tuple[float, float]:
    """The smallest and the largest d / temperature between two different codewords (K, D)."""
    _check(codewords, 0.0)
    codewords = codewords.double()
    scale, low, high = float(_resolve(temperature, codewords)), math.inf, 0.0
    for rows in torch.arange(len(codewords), device=codewords.device).split(max(1, _CACHED // len(codewords))):
        distances = squared_distances(rows, codewords)
        low = min(low, float(distances.min()))
        high = max(high, float(distances.masked_fill_(distances.isinf(), 0).max()))
    return low / scale, high / scale


def dropout_radius(rate: float) -> float:
    """KL of feature dropout by moment matching in nats, Eq. 1: (p / (1 - p) + log(1 - p)) / 2; infinite at p = 1."""
    if not 0.0 <= rate <= 1.0:
        raise ValueError(f"rate must lie in [0, 1], got {rate}")
    return math.inf if rate == 1.0 else 0.5 * (rate / (1.0 - rate) + math.log1p(-rate))


class QuantizedPerturbation(nn.Module):
    """Swaps codebook indices with a given strength, in place of dropout.

    mode "resample": an index i moves to j != i with probability strength * pi(j|i, j != i) (Eq. 4).
    mode "shuffle": a share `strength` of the positions of each image is permuted among itself; the histogram stays.
    temperature: divides the squared distance; a positive number or "adaptive".

    Sampling is coupled: each token draws one uniform number u and one replacement and is replaced where u < strength, so with
    the same seed a larger strength only adds replacements.
    """

    def __init__(self, mode: Literal["resample", "shuffle"] = "resample", temperature: Temperature = 1.0) -> None:
        super().__init__()
        if mode not in ("resample", "shuffle"):
            raise ValueError(f'mode must be "resample" or "shuffle", got {mode!r}')
        if temperature != "adaptive" and not float(temperature) > 0:
            raise ValueError(f"temperature must be positive or 'adaptive', got {temperature!r}")
        self.mode, self.temperature = mode, temperature

    @torch.no_grad()
    def forward(
        self, indices: Tensor, codewords: Tensor, strength: float, generator: torch.Generator | None = None, share: Share = _WHOLE
    ) -> Tensor:
        """indices (B, h, w) or any shape whose first axis is the image; codewords (K, D) -> indices of the same shape.

        share: the images are one part of share.count times as many; the random numbers of all are drawn and its own taken.
        """
        _check(codewords, strength)
        uniform = self._uniform(indices, generator, share)
        if strength == 0.0 or indices.numel() == 0:
            return indices.clone()
        if self.mode == "shuffle":
            return self._shuffle(indices, uniform, strength)
        # Sharing rows saves work, but how many there are is known to the device only: an accelerator would be waited for.
        resample = self._resample if indices.device.type == "cpu" else self._resample_unshared
        return resample(indices, codewords.detach(), uniform, strength)

    @torch.no_grad()
    def draw(self, indices: Tensor, codewords: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """What "resample" would do at every strength: thresholds in [0, 1) and replacements, both of the indices' shape.

        `where(thresholds < strength, replacements, indices)` is what `forward` gives for the same generator: draw once, then
        any strength costs nothing. Raises ValueError for mode "shuffle", whose replacements depend on the strength.
        """
        if self.mode != "resample":
            raise ValueError('only mode "resample" can be drawn ahead of the strength')
        _check(codewords, 1.0)
        uniform = self._uniform(indices, generator)
        return uniform[0].view_as(indices), self._resample(indices, codewords.detach(), uniform, 1.0)

    @staticmethod
    def _uniform(indices: Tensor, generator: torch.Generator | None, share: Share = _WHOLE) -> Tensor:
        count = indices.numel()
        draw_on = generator.device if generator is not None else indices.device
        drawn = torch.rand(2, count * share.count, generator=generator, device=draw_on)[:, share.rows(count)]
        return to_device(drawn, indices.device)

    def _resample(self, indices: Tensor, codewords: Tensor, uniform: Tensor, strength: float) -> Tensor:
        flat = indices.flatten().clone()
        moving = (uniform[0] < strength).nonzero().squeeze(1)
        if len(moving) == 0:
            return indices.clone()
        # Tokens with the same code share one row of pi: sort them by code and look only at the codes that occur.
        codes, owner = flat[moving].unique(return_inverse=True)
        order = owner.argsort(stable=True)
        moving, owner = moving[order], owner[order]
        counts = torch.bincount(owner, minlength=len(codes))
        scale, first_row, first_token = _resolve(self.temperature, codewords), 0, 0
        for rows in _blocks(codes, len(codewords)):
            tokens = int(counts[first_row : first_row + len(rows)].sum())
            part = slice(first_token, first_token + tokens)
            flat[moving[part]] = self._draw(rows, owner[part] - first_row, uniform[1, moving[part]], codewords.float(), scale)
            first_row, first_token = first_row + len(rows), first_token + tokens
        return flat.view_as(indices)

    def _resample_unshared(self, indices: Tensor, codewords: Tensor, uniform: Tensor, strength: float) -> Tensor:
        """The same with one row of pi for every token, replaced or not: more arithmetic, but no shape depends on what is drawn."""
        flat, codewords = indices.flatten(), codewords.float()
        scale, drawn = _resolve(self.temperature, codewords), []
        rows = max(1, _BLOCK // len(codewords))
        for codes, place in zip(flat.split(rows), uniform[1].split(rows), strict=True):
            cumulative = _cumulative_weights(codes, codewords, scale)
            drawn.append(torch.searchsorted(cumulative, _targets(place, cumulative[:, -1])[:, None], right=True).squeeze(1))
        return torch.where(uniform[0] < strength, torch.cat(drawn), flat).view_as(indices)

    @staticmethod
    def _draw(rows: Tensor, owner: Tensor, uniform: Tensor, codewords: Tensor, scale: Tensor) -> Tensor:
        """One j ~ pi(.|rows[owner], j != i) per token by inverting the cumulative sum. owner and uniform (n,) -> (n,)."""
        cumulative = _cumulative_weights(rows, codewords, scale)
        # Both tokens and rows are sorted by code here, so one padded table of thresholds serves all rows in one search.
        counts = torch.bincount(owner, minlength=len(rows))
        offset = counts.cumsum(0) - counts
        place = torch.arange(len(owner), device=owner.device) - offset[owner]
        targets = _targets(uniform, cumulative[owner, -1])
        table = targets.new_zeros(len(rows), int(counts.max()))
        table[owner, place] = targets
        return torch.searchsorted(cumulative, table, right=True)[owner, place]

    @staticmethod
    def _shuffle(indices: Tensor, uniform: Tensor, strength: float) -> Tensor:
        """Rotate the chosen positions of each image one step along a random order: every chosen position gets another's index."""
        count = len(indices) if indices.dim() > 1 else 1
        flat = indices.reshape(count, -1)
        order = uniform[1].view(count, -1).argsort(dim=1)
        in_order = flat.gather(1, order)
        chosen = uniform[0].view(count, -1).gather(1, order) < strength
        places = torch.arange(flat.shape[1], device=flat.device).expand_as(flat)
        # The chosen place before each place, -1 where there is none: the first of them takes from the last.
        before = F.pad(places.where(chosen, -1).cummax(1).values[:, :-1], (1, 0), value=-1)
        last = places.where(chosen, -1).amax(1, keepdim=True)
        source = torch.where(chosen, before.where(before >= 0, last), places)
        return torch.empty_like(flat).scatter_(1, order, in_order.gather(1, source)).view_as(indices)


def _cumulative_weights(codes: Tensor, codewords: Tensor, scale: Tensor) -> Tensor:
    """Cumulative sums of exp(-d / scale) from codewords[codes] (R,) to all (K, D), up to a factor a row and without j = i: (R, K)."""
    distances = squared_distances(codes, codewords)
    exponents = distances.sub_(distances.amin(1, keepdim=True)).div_(-scale)
    # Weights below e^-80 of the largest are lost in the sum anyway, and denormal results make exp ten times slower.
    return exponents.clamp_(min=-80).exp_().scatter_(1, codes[:, None], 0).cumsum_(1)


def _targets(uniform: Tensor, total: Tensor) -> Tensor:
    """Where to cut the cumulative sums: below the total, so that a search from the right ends on a bin of positive width, never on i."""
    return torch.minimum(uniform * total, torch.nextafter(total, torch.zeros_like(total)))
