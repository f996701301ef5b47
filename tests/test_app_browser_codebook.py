"""The tab Codebook in a real browser. Every wait is for a condition."""

from __future__ import annotations

from typing import Any

import numpy as np
from app_browser import slide
from app_server import fake_statistics


def test_the_codebook_tab_draws_the_codewords_and_marks_those_in_view(page: Any) -> None:
    page.get_by_role("tab", name="Codebook").click()
    page.wait_for_selector("#codewords .js-plotly-plot[data-marked]")
    traces = page.evaluate("document.querySelector('#codewords .js-plotly-plot')._fullData.map(t => t._length)")
    statistics = fake_statistics()
    assert traces[:2] == [int(np.sum(statistics.counts == 0)), int(np.sum(statistics.counts > 0))]
    assert traces[2] > 0
    assert traces[3] == 0
    assert page.locator("#codes [data-text=utilisation]").inner_text() == f"{100 * statistics.utilisation:.1f} %"
    page.get_by_label("majority class").check()
    page.wait_for_selector("#codewords .js-plotly-plot[data-colour=majority]")
    slide(page, "strength", 1)
    page.wait_for_function("document.querySelector('#codewords .js-plotly-plot')._fullData[3]._length > 0")
    in_view, opacity = page.evaluate(
        "(() => { const d = document.querySelector('#codewords .js-plotly-plot').data; return [d[2].customdata, d[1].marker.opacity]; })()"
    )
    active = np.flatnonzero(statistics.counts > 0)
    np.testing.assert_array_equal(np.array(opacity) == 1, np.isin(active, in_view))
