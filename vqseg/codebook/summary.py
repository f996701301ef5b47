"""A codebook's statistics in some lines of text, for a terminal."""

from __future__ import annotations

import numpy as np

from vqseg.codebook.statistics import CodebookStatistics
from vqseg.shares import percent


def summary(statistics: CodebookStatistics) -> str:
    """What one asks for first, then a row for each class."""
    counts, purity = statistics.counts, statistics.purity
    used = counts > 0
    impure = int((purity[used] < 0.6).sum())
    half = int(np.searchsorted(np.cumsum(np.sort(counts)[::-1]), counts.sum() / 2)) + 1
    facts = [
        ("counted over", f"{statistics.source}: {statistics.scans:,} scans, {int(counts.sum()):,} tokens"),
        ("codewords used", f"{int(used.sum()):,} of {len(counts):,} ({percent(statistics.utilisation)}), {len(statistics.dead):,} dead"),
        ("perplexity", f"{statistics.perplexity:,.1f}; half of all tokens have {half:,} codes"),
        ("purity", f"median {percent(np.median(purity[used]))}, {impure:,} codes below 60 %" if used.any() else "none"),
    ]
    if statistics.ablation_dice is not None and statistics.ablation_codes is not None and len(statistics.ablation_dice):
        worst = int(statistics.ablation_dice.argmin())
        mean, least = statistics.ablation_dice.mean(), statistics.ablation_dice[worst]
        text = f"Dice {mean:+.4f} on average, {least:+.4f} without code {statistics.ablation_codes[worst]}"
        facts.append(("taken out", f"{len(statistics.ablation_codes)} codes one by one: {text}"))
    if statistics.drift_reference is not None:
        middle, last = np.median(statistics.drift_reference), statistics.drift_reference[-1]
        facts.append(("drift", f"scans lie {middle:.3f} from the others (median); beyond {last:.3f} a scan is outside"))
    width = max(12, *map(len, statistics.classes)) + 2
    head = f"{'class':{width}}{'codes':>8}{'tokens':>14}{'share':>9}{'median purity':>15}"
    rows = [_row(statistics, index, width) for index in range(len(statistics.classes))]
    return "\n".join([*(f"{name:16}{text}" for name, text in facts), "", head, *rows])


def _row(statistics: CodebookStatistics, index: int, width: int) -> str:
    mine = statistics.majority_class == index
    tokens = int(statistics.class_counts[:, index].sum())
    purity = percent(np.median(statistics.purity[mine])) if mine.any() else "-"
    share = percent(tokens / max(1, int(statistics.counts.sum())), 2)
    return f"{statistics.classes[index]:{width}}{int(mine.sum()):>8,}{tokens:>14,}{share:>9}{purity:>15}"
