"""The codewords at several moments of a run, in one t-SNE map, those in use and those not in two colours (the paper's Fig. 7)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from vqseg.codebook.statistics import share_in_use

# t-SNE of more points says nothing more and takes minutes.
_MOMENTS, _CODEWORDS = 3, 1024


def draw_evolution(snapshots: Path, file: Path, *, seed: int = 0) -> list[dict[str, int]]:
    """Draw the codewords at some moments of a run.

    Args:
        snapshots: snapshots.npz of a checkpoint.
        file: The picture to write.
        seed: Of the codewords that are drawn and of their map.

    Returns:
        {"step", "used", "size"} of every snapshot.
    """
    from matplotlib.figure import Figure
    from sklearn.manifold import TSNE

    with np.load(snapshots, allow_pickle=False) as content:
        steps, codewords, counts = content["steps"], content["codewords"].astype(np.float32), content["counts"]
    moments = np.unique(np.linspace(0, len(steps) - 1, min(_MOMENTS, len(steps))).round().astype(int))
    order = np.random.default_rng(seed).permutation(codewords.shape[1])
    # The same codewords at every moment, but for those that a growing codebook did not have yet.
    picks = [np.sort(order[counts[moment][order] >= 0][:_CODEWORDS]) for moment in moments]
    flat = np.concatenate([codewords[moment][chosen] for moment, chosen in zip(moments, picks, strict=True)])
    places = TSNE(perplexity=min(30.0, (len(flat) - 1) / 3), init="pca", random_state=seed).fit_transform(flat)
    parts = np.split(places, np.cumsum([len(chosen) for chosen in picks])[:-1])
    figure = Figure(figsize=(4 * len(moments), 4), layout="constrained")
    for index, (moment, chosen, place) in enumerate(zip(moments, picks, parts, strict=True)):
        axes = figure.add_subplot(1, len(moments), index + 1)
        count = counts[moment][chosen]
        for mask, colour, label in ((count == 0, "#c9c9c9", "not in use"), (count > 0, "#c2410c", "in use")):
            axes.scatter(place[mask, 0], place[mask, 1], s=5, c=colour, label=label)
        axes.set(title=f"step {steps[moment]}: {share_in_use(counts[moment]):.1%} in use", xticks=[], yticks=[])
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, markerscale=2)
    figure.savefig(file, dpi=150)
    return [
        {"step": int(step), "used": int((count > 0).sum()), "size": int((count >= 0).sum())}
        for step, count in zip(steps, counts, strict=True)
    ]
