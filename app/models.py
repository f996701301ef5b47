"""The checkpoints that the app serves: which there are, and those that are loaded at present.

Knows nothing of visitors. A checkpoint that nobody chose lately is let go; an opened scan keeps its own alive.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from vqseg.checkpoint import CheckpointError, checkpoint_folder, load_model, read_config
from vqseg.codebook import CodebookError, CodebookStatistics, read_statistics
from vqseg.inference import Segmenter

logger = logging.getLogger(__name__)

EMBEDDED = "checkpoints"
MOST_LOADED = 4


@dataclass(frozen=True, eq=False)
class Served:
    """A loaded checkpoint.

    name: what lines of Python and links call it; title: what visitors read. folder: where it lies, None if nowhere.
    statistics: of its codebook, None if the checkpoint has none that fit.
    """

    name: str
    title: str
    folder: Path | None
    segmenter: Segmenter
    statistics: CodebookStatistics | None = None

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, the background first."""
        return self.segmenter.classes


class Models:
    """Checkpoints by name, loaded when first asked for; at most `most` are kept, the least recently used goes first."""

    def __init__(
        self, titles: Mapping[str, str], load: Callable[[str], Served], *, opens_others: bool = False, most: int = MOST_LOADED
    ) -> None:
        """titles: by name, of those that everyone may choose; the first is the default.

        load: raises CheckpointError. opens_others: whether names beyond these, folders and Hub ids, are handed to it too.
        """
        self._titles, self._load, self.opens_others, self._most = dict(titles), load, opens_others, most
        self._loaded: OrderedDict[str, Served] = OrderedDict()
        self._loading = [Lock() for _ in range(8)]
        self._lock = Lock()

    @property
    def default(self) -> Served:
        """The checkpoint that the page opens with."""
        return self.get(next(iter(self._titles)))

    def names(self) -> list[tuple[str, str]]:
        """(title, name) of the checkpoints that everyone may choose."""
        return [(title, name) for name, title in self._titles.items()]

    def get(self, name: str, *, anew: bool = False) -> Served:
        """The checkpoint, loaded; anew, even if it is kept.

        Raises CheckpointError for a name that is not to be had here or that does not load.
        """
        if name not in self._titles and not self.opens_others:
            raise CheckpointError(f"this server has no checkpoint {name!r}; it has {', '.join(self._titles)}")
        # One of a few locks for each name: while a visitor waits for the Hub the others go on.
        loading = self._loading[hash(name) % len(self._loading)]
        with loading:
            served = (None if anew else self._kept(name)) or self._load(name)
            with self._lock:
                self._loaded[name] = served
                self._loaded.move_to_end(name)
                while len(self._loaded) > self._most:
                    self._loaded.popitem(last=False)
        return served

    def linkable(self, name: str) -> bool:
        """Whether a link may ask for the checkpoint: nobody's link shall make this machine download one."""
        with self._lock:
            known = name in self._titles or name in self._loaded
        return known or (self.opens_others and Path(name).is_dir())

    def _kept(self, name: str) -> Served | None:
        with self._lock:
            return self._loaded.get(name)


def find_models(home: Path, checkpoint: str, *, opens_others: bool = False) -> Models:
    """The given checkpoint first, a folder or a Hub id, then those embedded below `home`. Raises CheckpointError if it has none."""
    first = checkpoint_folder(checkpoint)
    folders = {public_name(checkpoint, first, home): first}
    titles = {name: title_of(folder) for name, folder in folders.items()}
    for folder in sorted((home / EMBEDDED).glob("*")):
        name = public_name(str(folder), folder, home)
        if name in folders or not all((folder / part).is_file() for part in ("config.json", "model.safetensors")):
            continue
        try:
            titles[name], folders[name] = title_of(folder), folder
        except CheckpointError as error:
            logger.warning("%s is left out: %s", name, error)

    def load(name: str) -> Served:
        folder = folders[name] if name in folders else checkpoint_folder(name)
        return load_served(name, titles.get(name) or title_of(folder), folder)

    return Models(titles, load, opens_others=opens_others)


def load_served(name: str, title: str, folder: Path) -> Served:
    """Weights and codebook statistics of a folder. Raises CheckpointError if the weights are missing or do not fit."""
    segmenter = Segmenter(load_model(folder))
    if not segmenter.indexed:
        raise CheckpointError(f"checkpoint {folder.name!r} was trained without a codebook, for comparison: it has no tokens to show")
    try:
        statistics = read_statistics(folder, segmenter)
    except (FileNotFoundError, CodebookError) as error:
        logger.warning("the Codebook tab stays empty for %s: %s", title, error)
        statistics = None
    return Served(name, title, folder, segmenter, statistics)


def title_of(folder: Path) -> str:
    """acdc-10 (RV, MYO, LV): the folder's name and the structures that its network knows. Raises CheckpointError."""
    model = read_config(folder).get("model")
    classes = model.get("classes") if isinstance(model, dict) else None
    structures = ", ".join(str(name) for name in classes[1:]) if isinstance(classes, list) else ""
    return f"{folder.resolve().name} ({structures})" if structures else folder.resolve().name


def public_name(checkpoint: str, folder: Path, home: Path) -> str:
    """What a visitor may know of a checkpoint: a Hub id or the path below `home`, else the folder's name alone."""
    if not Path(checkpoint).is_dir():
        return checkpoint
    resolved = folder.resolve()
    return str(resolved.relative_to(home)) if resolved.is_relative_to(home) else resolved.name
