"""Codeword search and QPM against their floors, and labels alone against an opened scan, in CPU time on one thread.

python benchmarks/codes.py [--against ANOTHER_CHECKOUT] [--tokens 2048] [--repeats 7] [--only search qpm labels]

Everything of one size runs in turn, again and again, so that a loaded machine is unfair to none: ratios of medians count, milliseconds
hardly do. The floor of the QPM is the bare product of the rows of codewords that its swaps need with the codebook; that of the search is
the product of tokens and codebook, and faiss' IndexFlatL2 if it can be imported. With --against the same calls of an earlier state of this
repository run beside, and the number of differing answers is printed. Prints one JSON object a line.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parent.parent
SEED, DIM = 0, 64
SIZES = (1024, 4096, 16384, 65536)
# (K, D) of the QPM: those of the checkpoints and of the published code are among them.
CODEBOOKS = ((1024, 64), (2048, 64), (4096, 64), (16384, 64), (16384, 384))

Work = dict[str, Callable[[], Any]]


def packages(root: Path) -> dict[str, ModuleType]:
    """Import what is measured from a checkout, beside another one that was imported before."""
    for name in [name for name in sys.modules if name.split(".")[0] == "vqseg"]:
        del sys.modules[name]
    sys.path.insert(0, str(root))
    try:
        names = ("quantization.perturbation", "quantization.quantizer", "checkpoint", "inference", "data.scan")
        return {name: importlib.import_module(f"vqseg.{name}") for name in names}
    finally:
        sys.path.pop(0)


def medians(work: Work, repeats: int) -> dict[str, tuple[float, float]]:
    """Milliseconds of CPU time of each call: the median, and half of the range between the quartiles."""
    times: dict[str, list[float]] = {name: [] for name in work}
    for call in work.values():
        call()
    for _ in range(repeats):
        for name, call in work.items():
            begun = time.process_time()
            call()
            times[name].append(1000 * (time.process_time() - begun))
    return {name: (statistics.median(each), (_quartile(each, 3) - _quartile(each, 1)) / 2) for name, each in times.items()}


def _quartile(values: list[float], which: int) -> float:
    return statistics.quantiles(values, n=4)[which - 1] if len(values) > 1 else values[0]


def line(what: str, size: dict[str, int], found: dict[str, tuple[float, float]], floor: str, **more: object) -> dict[str, object]:
    """One result: milliseconds with their spread, and how many times each takes the floor."""
    ratios = {name: round(value / found[floor][0], 2) for name, (value, _) in found.items() if name != floor}
    rounded = {name: [round(part, 2) for part in both] for name, both in found.items()}
    return {"what": what, **size, "ms": rounded, f"by {floor}": ratios, **more}


def search(versions: dict[str, dict[str, ModuleType]], tokens: int, repeats: int) -> Iterator[dict[str, object]]:
    """The nearest of K codewords: as one call, and in a quantizer in evaluation, which keeps what follows from the codewords."""
    import torch

    faiss = importlib.import_module("faiss") if importlib.util.find_spec("faiss") else None
    generator = torch.Generator().manual_seed(SEED)
    for size in SIZES:
        features, codewords = (torch.randn(count, DIM, generator=generator) for count in (tokens, size))
        work: Work = {"product": lambda features=features, codewords=codewords: torch.mm(features, codewords.T)}
        found = {}
        for name, package in versions.items():
            nearest = package["quantization.quantizer"].nearest_codewords
            found[name] = nearest(features, codewords)
            work[name] = lambda nearest=nearest, features=features, codewords=codewords: nearest(features, codewords)
            quantizer = package["quantization.quantizer"].VectorQuantizer(size, DIM).eval()
            picture = features.T.reshape(1, DIM, 1, tokens)
            work[f"{name}, quantizer"] = lambda quantizer=quantizer, picture=picture: _inferred(lambda: quantizer(picture))
        if faiss is not None:
            faiss.omp_set_num_threads(1)
            index = faiss.IndexFlatL2(DIM)
            index.add(codewords.numpy())
            work["faiss"] = lambda index=index, features=features: index.search(features.numpy(), 1)
            found["faiss"] = torch.from_numpy(index.search(features.numpy(), 1)[1][:, 0])
        differ = {name: int((answer != found["now"]).sum()) for name, answer in found.items() if name != "now"}
        yield line("search", {"K": size, "D": DIM, "N": tokens}, medians(work, repeats), "faiss" if faiss else "product", differ=differ)


def _inferred(work: Callable[[], Any]) -> Any:
    import torch

    with torch.inference_mode():
        return work()


def qpm(versions: dict[str, dict[str, ModuleType]], tokens: int, repeats: int) -> Iterator[dict[str, object]]:
    """Swaps at strength 0.7, with a fixed temperature, the adaptive one, and one that was solved for a reach."""
    import torch

    generator = torch.Generator().manual_seed(SEED)
    for size, dim in CODEBOOKS:
        codewords = torch.randn(size, dim, generator=generator) * 0.1
        indices = torch.randint(size, (2, tokens // 2), generator=generator)
        moving = torch.rand(2, tokens, generator=torch.Generator().manual_seed(SEED))[0] < 0.7
        rows = codewords[indices.flatten()[moving].unique()]
        work: Work = {"product": lambda rows=rows, codewords=codewords: torch.mm(rows, codewords.T)}
        answers: dict[str, list[Any]] = {}
        for name, package in versions.items():
            reach = package["quantization.perturbation"].temperature_for_reach(codewords, size / 8)
            for mode, temperature in (("fixed", 1.0), ("adaptive", "adaptive"), ("reach", reach)):
                perturb = package["quantization.perturbation"].QuantizedPerturbation("resample", temperature)

                def call(seed: int = SEED, perturb: Any = perturb, indices: Any = indices, codewords: Any = codewords) -> Any:
                    return perturb(indices, codewords, 0.7, torch.Generator().manual_seed(seed))

                work[f"{name}, {mode}"] = call
                answers.setdefault(name, []).extend(call(seed) for seed in range(3))
        differ = {
            name: sum(int((one != other).sum()) for one, other in zip(answers["now"], drawn, strict=True))
            for name, drawn in answers.items()
            if name != "now"
        }
        yield line("qpm", {"K": size, "D": dim, "N": tokens, "rows": len(rows)}, medians(work, repeats), "product", differ=differ)


def labels(versions: dict[str, dict[str, ModuleType]], tokens: int, repeats: int) -> Iterator[dict[str, object]]:
    """A bundled phantom: opened as the app opens it, and its labels alone."""
    file = ROOT / "assets" / "examples" / "phantom_dilated-left-ventricle.nii.gz"
    for checkpoint in ("acdc-10",):
        work, answers = {}, {}
        for name, package in versions.items():
            segmenter = package["inference"].Segmenter(package["checkpoint"].load_model(ROOT / "checkpoints" / checkpoint))
            scan = package["data.scan"].read_scan(file)
            work[f"{name}, opened"] = lambda segmenter=segmenter, scan=scan: segmenter.open(scan)
            work[f"{name}, labels"] = lambda segmenter=segmenter, scan=scan: segmenter.labels(scan)
            answers[name] = segmenter.open(scan).labels, segmenter.labels(scan)
        differ = {name: int(sum((one != answers["now"][0]).sum() for one in both)) for name, both in answers.items()}
        yield line(f"labels, {checkpoint}", {"slices": scan.shape[2]}, medians(work, repeats), "now, opened", differ=differ)


PARTS = {"search": search, "qpm": qpm, "labels": labels}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, help="another checkout of this repository")
    parser.add_argument("--tokens", type=int, default=2048)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--only", nargs="+", choices=sorted(PARTS), default=list(PARTS))
    options = parser.parse_args()
    import torch

    torch.set_num_threads(1)
    versions = {"before": packages(options.against)} if options.against else {}
    versions["now"] = packages(ROOT)
    machine = {"processor": platform.processor() or platform.machine(), "torch": torch.__version__, "load": os.getloadavg()[0]}
    print(json.dumps({"date": time.strftime("%Y-%m-%d"), "seed": SEED, "threads": 1, **machine}), flush=True)
    for part in options.only:
        for result in PARTS[part](versions, options.tokens, options.repeats):
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
