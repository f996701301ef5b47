"""The report's tables and picture rows: atoms, partners, codes taken out, codes never chosen."""

from __future__ import annotations

from html import escape

import numpy as np
import torch

from vqseg.codebook.report.charts import shares_bar
from vqseg.codebook.report.page import atom, section, table
from vqseg.codebook.statistics import CodebookStatistics
from vqseg.plain import child
from vqseg.quantization.search import nearest_codewords
from vqseg.shares import percent
from vqseg.types import Array

_ATOMS, _PARTNER_ROWS, _ABLATED, _DEAD = 96, 12, 16, 20


def least_pure(statistics: CodebookStatistics) -> Array:
    """Codes used at least as often as the median one, the least pure first."""
    used = statistics.counts[statistics.counts > 0]
    order = np.argsort(np.nan_to_num(statistics.purity, nan=2.0), kind="stable")
    return order[statistics.counts[order] >= (np.median(used) if len(used) else 1)]


def class_table(statistics: CodebookStatistics) -> str:
    """One row a class: its codes, its tokens, and how pure its codes are."""
    rows = []
    total = max(1, int(statistics.counts.sum()))
    for index, name in enumerate(statistics.classes):
        mine = statistics.majority_class == index
        purity = percent(np.median(statistics.purity[mine])) if mine.any() else "-"
        tokens = int(statistics.class_counts[:, index].sum())
        swatch = f'<i class="swatch" style="background:var(--c{index % 8})"></i>'
        rows.append(
            [f'<span class="name">{swatch}{escape(name)}</span>', f"{int(mine.sum()):,}", f"{tokens:,}", percent(tokens / total, 2), purity]
        )
    return table(["class", "codes mostly of it", "its tokens", "share of all tokens", "median purity of its codes"], rows)


def partners(statistics: CodebookStatistics) -> str:
    """The most used codes that are no background, each with the codes most often beside it."""
    if statistics.partners is None or statistics.partner_counts is None:
        return ""
    order = np.argsort(-statistics.counts, kind="stable")
    foreground = [code for code in order if statistics.majority_class[code] > 0]
    rows = []
    for code in (foreground or list(order))[:_PARTNER_ROWS]:
        beside = "".join(
            f"<figure>{atom(statistics, other)}{percent(count / max(1, 4 * int(statistics.counts[code])))}</figure>"
            for other, count in zip(statistics.partners[code], statistics.partner_counts[code], strict=True)
            if other >= 0
        )
        rows.append([*_who(statistics, int(code)), f'<div class="partners">{beside}</div>'])
    return section(
        "Which codes lie beside each other?",
        "The most used codes of the structures, and the other codes most often beside them in the four directions, with their share "
        "of all places beside the code.",
        table(["", "code", "tokens", "classes", "most often beside it"], rows),
        short=False,
    )


def atoms(statistics: CodebookStatistics) -> str:
    """Atoms of the most used and of the least pure codes."""
    if statistics.atoms is None:
        return ""
    top = np.argsort(-statistics.counts, kind="stable")[:_ATOMS]
    figures = [
        f'<h3 style="margin-top:14px">{title}</h3><div class="atoms">{"".join(_figure(statistics, int(code)) for code in codes)}</div>'
        for title, codes in (("The most used codes", top), ("The least pure of the often used codes", least_pure(statistics)[:_ATOMS]))
    ]
    return section(
        "What does a code look like?",
        "Each atom is what the image decoder makes of a patch of 3 x 3 tokens of the code in a field of the mean codeword. No scan is "
        "involved. The line below has the colour of the code's class.",
        "".join(figures),
        short=False,
    )


def ablation(statistics: CodebookStatistics) -> str:
    """The codes whose removal costs most."""
    codes, changes = statistics.ablation_codes, statistics.ablation_dice
    if codes is None or changes is None or len(codes) == 0:
        return ""
    made = child(statistics.parameters, "ablation")
    order = np.argsort(changes, kind="stable")[:_ABLATED]
    rows = [[*_who(statistics, int(codes[index])), f"{statistics.rank[codes[index]]:,}", f"{changes[index]:+.4f}"] for index in order]
    return section(
        "What is lost without a code?",
        f"Each of {len(codes)} codes, the most used ones and the most used ones of the structures, was replaced everywhere by its nearest "
        f"other codeword, and the labels of "
        f"{made.get('scans', 0)} scans ({made.get('slices', 0)} slices) compared with what they were. The mean change of Dice is "
        f"<b>{changes.mean():+.4f}</b>, the largest <b>{changes.min():+.4f}</b>: "
        + ("no single code is needed." if changes.min() > -0.02 else "some codes are hard to replace."),
        table(["", "code", "tokens", "classes", "rank", "change of Dice"], rows, numbers=2),
        short=False,
    )


def dead(statistics: CodebookStatistics, codewords: Array) -> str:
    """The codes never chosen, and how near the next one in use is.

    Args:
        statistics: Of the codebook.
        codewords: (K, D), of the same codebook.
    """
    unused, used = statistics.dead, np.flatnonzero(statistics.counts > 0)
    if len(unused) == 0 or len(used) == 0:
        return section("Which codes are dead?", "None: every codeword was chosen at least once.", "") if len(used) else ""
    vectors = torch.from_numpy(codewords.astype(np.float32))
    nearest = used[nearest_codewords(vectors[unused], vectors[used]).numpy()]
    distances = np.linalg.norm(codewords[unused] - codewords[nearest], axis=1)
    order = np.argsort(distances, kind="stable")[:_DEAD]
    rows = [[atom(statistics, int(unused[i])), f"{unused[i]}", f"{distances[i]:.3f}", *_who(statistics, int(nearest[i]))] for i in order]
    more = f" The {_DEAD} nearest to one in use are shown." if len(unused) > _DEAD else ""
    return section(
        "Which codes are dead?",
        f"<b>{len(unused):,}</b> codewords were never chosen. A small distance to a codeword in use means that it has been crowded "
        f"out, a large one that no feature comes near.{more}",
        table(["", "code", "distance", "", "nearest code in use", "its tokens", "classes"], rows),
        short=False,
    )


def _who(statistics: CodebookStatistics, code: int) -> list[str]:
    """Atom, number, tokens and class mix of a code, as cells."""
    shares = statistics.class_counts[code] / max(1, int(statistics.counts[code]))
    return [atom(statistics, code), f"{code}", f"{int(statistics.counts[code]):,}", shares_bar(shares.tolist(), statistics.classes)]


def _figure(statistics: CodebookStatistics, code: int) -> str:
    owner = int(statistics.majority_class[code])
    title = f"code {code}, {int(statistics.counts[code]):,} tokens"
    if owner >= 0:
        title += f", {percent(statistics.purity[code], 0)} {statistics.classes[owner]}"
    line = f'<span class="mix" style="background:var(--c{max(owner, 0) % 8})"></span>'
    return f'<figure title="{escape(title)}">{atom(statistics, code)}{line}{code}</figure>'
