"""The report's figures: usage, classes, maps, places, evolution and drift, each under the question that it answers."""

from __future__ import annotations

import numpy as np

from vqseg.codebook.report.charts import Axis, Plot, cloud, decades, evenly, heat
from vqseg.codebook.report.page import key, scale_key, section
from vqseg.codebook.report.tables import class_table, least_pure
from vqseg.codebook.statistics import CodebookStatistics, perplexity, share_in_use
from vqseg.shares import percent
from vqseg.types import Array

_IN_HEAT = 64
_USAGE_STEPS = 8


def tiles(statistics: CodebookStatistics) -> str:
    """The numbers that one asks for first."""
    used = statistics.purity[statistics.counts > 0]
    values = [
        (f"{len(statistics.counts):,}", "codewords"),
        (percent(statistics.utilisation), "used at least once"),
        (f"{statistics.perplexity:,.0f}", "perplexity: codes in effective use"),
        (f"{len(statistics.dead):,}", "never chosen"),
        (percent(np.median(used)) if len(used) else "none", "median purity"),
        (f"{int((used < 0.6).sum()):,}", "impure codes, purity below 60 %"),
    ]
    return (
        '<div class="tiles">' + "".join(f'<div class="tile"><b>{value}</b><span>{text}</span></div>' for value, text in values) + "</div>"
    )


def usage(statistics: CodebookStatistics) -> str:
    """Usage by rank, and the purity of the structures' codes."""
    counts = np.sort(statistics.counts[statistics.counts > 0])[::-1]
    if len(counts) == 0:
        return ""
    half = int(np.searchsorted(np.cumsum(counts), counts.sum() / 2)) + 1
    ranks = Plot(decades("rank of the codeword", 1, len(counts)), decades("tokens", counts[-1], counts[0]), label="tokens by rank")
    ranks.line(np.arange(1, len(counts) + 1), counts, "")
    ranks.rule(half, "rule", f"half of all tokens: {half:,} codes")
    edges = np.linspace(0, 1, 26)
    purity, owner = statistics.purity, statistics.majority_class
    stacks = [
        (f"c{index % 8}", np.histogram(purity[(owner == index) & (statistics.counts > 0)], edges)[0], name)
        for index, name in enumerate(statistics.classes)
        if index > 0
    ]
    bars = Plot(evenly("purity", 0, 1, 6), _counts_axis("codes", np.sum([heights for _, heights, _ in stacks], 0)), label="codes by purity")
    bars.bars(edges, stacks)
    return section(
        "How evenly are the codes used, and do they belong to one class?",
        f"The most used {half:,} codes ({percent(half / len(statistics.counts))} of the codebook) carry half of all tokens. Purity is the "
        "share of a code's tokens that have the class most of them have: 1 for a code that means one thing, low for one that stands on a "
        "border.",
        f'<div class="two"><div><h3>Usage by rank</h3>{ranks.svg()}</div><div><h3>Codes by purity</h3>{bars.svg()}'
        f"{key(statistics.classes)}</div></div>",
    )


def classes(statistics: CodebookStatistics) -> str:
    """How many codes and tokens each class has, and the class mix of the most used and of the least pure codes."""
    parts = [("The most used codes of each class", _of_each_class(statistics)), ("The least pure codes", least_pure(statistics)[:_IN_HEAT])]
    charts = "".join(
        f'<div class="wide"><h3>{title}</h3>{_class_mix(statistics, codes, title)}</div>' for title, codes in parts if len(codes)
    )
    return section(
        "Which classes do the codes carry?",
        "One column a code: the stronger the colour, the larger the class's share of its tokens. The least pure ones are taken "
        "from the codes used at least as often as the median one.",
        class_table(statistics) + f'<div style="display:grid;gap:18px;margin-top:18px">{charts}</div>',
    )


def _of_each_class(statistics: CodebookStatistics) -> Array:
    order = np.argsort(-statistics.counts, kind="stable")
    each = _IN_HEAT // len(statistics.classes)
    return np.concatenate([order[statistics.majority_class[order] == index][:each] for index in range(len(statistics.classes))])


def _class_mix(statistics: CodebookStatistics, codes: Array, label: str) -> str:
    shares = statistics.class_counts[codes] / np.maximum(statistics.counts[codes, None], 1)
    return heat(shares.T, statistics.classes, [f"code {code}" for code in codes], label=label)


def _by_usage(counts: Array) -> list[tuple[str, Array]]:
    """Codes by usage in eight steps of its logarithm, those never chosen first: (colour class, which codes)."""
    high = np.log(max(2, counts.max()))
    step = np.where(counts > 0, 1 + np.minimum(6, (np.log(np.maximum(counts, 1)) / high * 7).astype(int)), 0)
    return [(f"u{index}", np.flatnonzero(step == index)) for index in range(_USAGE_STEPS)]


def _by_purity(statistics: CodebookStatistics) -> list[tuple[str, Array]]:
    """Codes from one class only to an even mixture in seven steps, those never chosen first."""
    lowest = 1 / len(statistics.classes)
    mixed = (1 - statistics.purity) / (1 - lowest) * 7
    step = np.where(statistics.counts > 0, 1 + np.minimum(6, np.nan_to_num(mixed)).astype(int), 0)
    return [(f"u{index}", np.flatnonzero(step == index)) for index in range(_USAGE_STEPS)]


def _by_class(statistics: CodebookStatistics) -> list[tuple[str, Array]]:
    """Codes by majority class, the background below all others."""
    return [(f"c{index % 8}", np.flatnonzero(statistics.majority_class == index)) for index in range(len(statistics.classes))]


def maps(statistics: CodebookStatistics) -> str:
    """The projections, coloured by class and by usage."""
    drawn = [
        ("By class (UMAP)", cloud(statistics.projection, _by_class(statistics), label="UMAP by class"), key(statistics.classes)),
        (
            "By usage (UMAP)",
            cloud(statistics.projection, _by_usage(statistics.counts), label="UMAP by usage"),
            scale_key("never chosen", "1 token", f"{int(statistics.counts.max()):,}"),
        ),
    ]
    pure = cloud(statistics.projection, _by_purity(statistics), label="UMAP by purity")
    drawn.append(("By purity (UMAP)", pure, scale_key("never chosen", "one class only", "evenly mixed")))
    if statistics.tsne is not None:
        drawn.append(("By class (t-SNE)", cloud(statistics.tsne, _by_class(statistics), label="t-SNE by class"), key(statistics.classes)))
    return section(
        "Which codewords are alike?",
        "Each dot is a codeword; dots that lie together have near codewords. Read who is near whom, not how far: no map keeps distances.",
        '<div class="two">' + "".join(f"<div><h3>{title}</h3>{chart}{legend}</div>" for title, chart, legend in drawn) + "</div>",
        short=False,
    )


def places(statistics: CodebookStatistics) -> str:
    """Where on a slice the codes lie."""
    if statistics.position is None or statistics.spread is None:
        return ""
    used = statistics.counts > 0
    edges = np.linspace(0, 0.5, 26)
    heights = np.histogram(statistics.spread[used], edges)[0]
    spread = Plot(evenly("root mean square distance from the mean place", 0, 0.5, 6), _counts_axis("codes", heights), label="spread")
    spread.bars(edges, [("accent", heights, "codes")])
    return section(
        "Where do the codes lie on a slice?",
        "The mean place of each code's tokens as shares of the slice, rows downwards as the array has them. Codes of a structure gather "
        "where the structure is; a code found everywhere has its mean in the middle and a wide spread (0.41 for places at random).",
        f'<div class="two"><div><h3>Mean place</h3>{cloud(statistics.position, _by_class(statistics), frame=True, label="mean places")}'
        f"{key(statistics.classes)}</div><div><h3>Spread</h3>{spread.svg()}</div></div>",
    )


def evolution(statistics: CodebookStatistics) -> str:
    """Use and perplexity over the training, and a map of every moment."""
    steps, counts, places = statistics.evolution_steps, statistics.evolution_counts, statistics.evolution
    if steps is None or counts is None or places is None or len(steps) < 2:
        return ""
    shares = share_in_use(counts)
    ticks = evenly("training step", 0, float(steps[-1]), 5, "{:,.0f}")
    use = Plot(ticks, evenly("share in use", 0, 1, 6, "{:.0%}"), label="codewords in use")
    use.line(steps, shares, "")
    use.dots(steps, shares, "", [f"step {step:,}: {percent(share)}" for step, share in zip(steps, shares, strict=True)])
    effective = np.array([perplexity(row) for row in counts])
    effect = Plot(ticks, evenly("perplexity", 0, float(np.ceil(effective.max() / 100) * 100 or 1), 5, "{:,.0f}"), label="perplexity")
    effect.line(steps, effective, "")
    effect.dots(steps, effective, "", [f"step {step:,}: {value:,.0f}" for step, value in zip(steps, effective, strict=True)])
    low, high = places.reshape(-1, 2).min(0), places.reshape(-1, 2).max(0)
    maps = []
    for index, step in enumerate(steps):
        active = counts[index] > 0
        # Two invisible corners keep every moment's map on the same scale.
        points = np.concatenate([places[index], [low, high]])
        # The fewer lie on top: a tenth of the dots would not be seen below the others.
        groups = sorted([("c0", np.flatnonzero(counts[index] == 0)), ("c3", np.flatnonzero(active))], key=lambda group: -len(group[1]))
        drawn = cloud(points, groups, side=260, dot=2.5, label=f"step {step}")
        maps.append(f"<div><h3>step {step:,}: {percent(shares[index])} in use</h3>{drawn}</div>")
    return section(
        "How did the codebook come to be used?",
        "The codewords at moments of the training, all in one projection; orange ones were chosen on a fixed set of slices, grey ones not.",
        f'<div class="two"><div>{use.svg()}</div><div>{effect.svg()}</div></div><div class="three" style="margin-top:20px">'
        + "".join(maps)
        + "</div>",
        short=False,
    )


def drift(statistics: CodebookStatistics) -> str:
    """How far the training scans lie from each other."""
    reference = statistics.drift_reference
    if reference is None:
        return ""
    top = float(np.ceil(reference[-1] * 10) / 10)
    edges = np.linspace(0, top, 31)
    heights = np.histogram(reference, edges)[0]
    plot = Plot(evenly("distance from all other scans", 0, top, 5), _counts_axis("scans", heights), label="drift")
    plot.bars(edges, [("accent", heights, "scans")])
    plot.rule(float(reference[-1]), "rule", f"outside beyond {reference[-1]:.3f}")
    return section(
        "How far do the scans lie from each other?",
        "Jensen-Shannon distance between the tokens of each scan and those of all the others, over groups of like codewords. A new scan "
        "that lies farther than all of these is outside of what this codebook has seen.",
        f'<div style="max-width:620px">{plot.svg()}</div>',
    )


def _counts_axis(title: str, heights: Array) -> Axis:
    """From 0 to the highest of some counts; whole numbers at the ticks."""
    step = max(1, -(-int(heights.max()) // 4))
    return evenly(title, 0, 4 * step, 5, "{:,.0f}")
