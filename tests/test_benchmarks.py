"""The benchmarks still work. What they measure is no test: times differ between machines."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))

from contest.race import FLOOR, OURS, Entry, Race, run  # noqa: E402


def test_every_entry_of_a_race_takes_its_turns_and_the_first_one_does_not_count() -> None:
    turns: list[str] = []
    race = Race("r", "w", [Entry("a", lambda: turns.append("a"), OURS), Entry("b", lambda: turns.append("b"), FLOOR)])
    first, second = run(race, 6)
    assert [turns.count(name) for name in "ab"] == [7, 7]
    assert all(set(turns[place : place + 2]) == {"a", "b"} for place in range(0, 14, 2))
    assert turns[::2].count("a") not in (0, 7)
    assert [len(one.processor) for one in (first, second)] == [len(one.clock) for one in (first, second)] == [6, 6]


def test_work_that_measures_itself_is_believed_and_parts_are_reckoned_for_the_whole() -> None:
    race = Race(
        "r", "w", [Entry("process", lambda: (2.0, 0.5), OURS, measures=True), Entry("part", lambda: (1.0, 1.0), per=0.25, measures=True)]
    )
    process, part = run(race, 3)
    assert (process.clock, process.processor, process.quartiles) == ([2000.0] * 3, [500.0] * 3, (500.0, 500.0))
    assert part.median == 4000


def test_the_quick_run_writes_a_page_with_machine_and_versions(tmp_path: Path) -> None:
    command = [sys.executable, str(ROOT / "benchmarks" / "bench.py"), "--quick", "--output", str(tmp_path / "page.md")]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=230, check=False, cwd=tmp_path)
    assert answer.returncode == 0, answer.stderr[-2000:]
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    for title in ("Quantized perturbation", "Codeword search, K = 65536", "Quantizer", "Map of the codebook", "Score a volume"):
        assert f"## {title}\n" in page
    assert "medpy" in page and "vector-quantize-pytorch SimVQ" in page and "(floor)" in page
    assert "torch 2" in page and "load average" in page
