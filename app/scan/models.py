"""The checkpoints that the app serves, and those of them that are loaded.

The module knows no visitor. A checkpoint that nobody has chosen lately is unloaded. An open scan keeps its own checkpoint alive.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

from app.scan.lru import Lru
from vqseg.checkpoint import CheckpointError, checkpoint_folder, load_model, read_config
from vqseg.codebook import CodebookError, CodebookStatistics, FamiliarityError, Reference, read_reference, read_statistics
from vqseg.inference import Opening, Segmenter, open_here

logger = logging.getLogger(__name__)

EMBEDDED = "checkpoints"
MOST_LOADED = 4


@dataclass(frozen=True, eq=False)
class Served:
    """A loaded checkpoint.

    Attributes:
        name: Its name in links and in lines of Python.
        title: Its name as visitors read it.
        folder: The folder of its files; None if there is none.
        segmenter: The loaded model.
        statistics: Statistics of its codebook; None if the checkpoint has none, or none that fit.
        reference: What its training scans were like; None as for the statistics.
        others: Gives the other checkpoints that everyone may choose. Each is loaded when it is asked for.
        lend: Has a checkpoint served that was made from this one, to whoever knows its name; None ends that.
    """

    name: str
    title: str
    folder: Path | None
    segmenter: Segmenter
    statistics: CodebookStatistics | None = None
    reference: Reference | None = None
    others: Callable[[], Iterable[Served]] = tuple
    lend: Callable[[Served | None], None] = lambda _: None

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, the background first."""
        return self.segmenter.classes


class Models:
    """Checkpoints by name. Each is loaded when it is first needed; the least recently used is unloaded first."""

    def __init__(
        self, titles: Mapping[str, str], load: Callable[[str], Served], *, opens_others: bool = False, most: int = MOST_LOADED
    ) -> None:
        """Load nothing yet.

        Args:
            titles: Titles by name, of the checkpoints that everyone may choose. The first one is the default.
            load: Loads a checkpoint by its name. It raises CheckpointError if that fails.
            opens_others: Whether visitors may also open other folders and Hub ids.
            most: How many checkpoints stay loaded.
        """
        self._titles, self._load, self.opens_others = dict(titles), load, opens_others
        self._loaded: Lru[str, Served] = Lru(most)
        # Only the newest one: a server makes one at a time.
        self._lent: Served | None = None
        self._loading = [Lock() for _ in range(8)]

    @property
    def default(self) -> Served:
        """The checkpoint that the page opens with."""
        return self.get(next(iter(self._titles)))

    def names(self) -> list[tuple[str, str]]:
        """(title, name) of the checkpoints that everyone may choose."""
        return [(title, name) for name, title in self._titles.items()]

    def get(self, name: str, *, anew: bool = False) -> Served:
        """The checkpoint, loaded if necessary.

        Args:
            name: One of `names`. With `opens_others` also a folder or a Hub id.
            anew: Load it again, even if it is loaded already.

        Returns:
            The loaded checkpoint.

        Raises:
            CheckpointError: If this server does not have the checkpoint, or if it cannot be loaded.
        """
        if self._lent is not None and name == self._lent.name:
            return self._lent
        if name not in self._titles and not self.opens_others:
            raise CheckpointError(f"this server has no checkpoint {name!r}; it has {', '.join(self._titles)}")
        # Names are spread over a few locks. While one checkpoint is downloaded, others can be loaded.
        loading = self._loading[hash(name) % len(self._loading)]
        with loading:
            served = (None if anew else self._loaded.get(name)) or self._load(name)
            self._loaded.put(name, served)
        return served

    def lend(self, served: Served | None) -> None:
        """Serve a checkpoint that was made meanwhile, in the place of the one before; None ends that. It is not among `names`."""
        self._lent = served

    def others(self, name: str) -> Iterator[Served]:
        """The checkpoints that everyone may choose but this one, each loaded when it is its turn. Those that cannot be are left out."""
        for other in self._titles:
            if other == name:
                continue
            try:
                yield self.get(other)
            except CheckpointError as error:
                logger.warning("%s cannot be asked about a scan: %s", other, error)

    def linkable(self, name: str) -> bool:
        """Whether a link may name the checkpoint. A link must not make this machine download one."""
        known = name in self._titles or name in self._loaded
        return known or (self.opens_others and Path(name).is_dir())


def find_models(home: Path, checkpoint: str, *, opens_others: bool = False, opening: Opening = open_here) -> Models:
    """Find the checkpoints that the app offers: the given one, then those in `home`/checkpoints.

    Args:
        home: The project's folder.
        checkpoint: A folder or a Hub id. It becomes the default.
        opens_others: Whether visitors may also open other folders and Hub ids.
        opening: Who does the work of opening a scan.

    Returns:
        The checkpoints. None of them is loaded yet.

    Raises:
        CheckpointError: If the given checkpoint cannot be found or read.
    """
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
        served = load_served(name, titles.get(name) or title_of(folder), folder, lambda: models.others(name), opening)
        return replace(served, lend=models.lend)

    models = Models(titles, load, opens_others=opens_others)
    return models


def load_served(
    name: str, title: str, folder: Path, others: Callable[[], Iterable[Served]] = tuple, opening: Opening = open_here
) -> Served:
    """Load the weights and the codebook statistics of a folder.

    Args:
        name: As in `Served`.
        title: As in `Served`.
        folder: The checkpoint's folder.
        others: As in `Served`.
        opening: Who does the work of opening a scan.

    Returns:
        The checkpoint. It has no statistics if they are missing or do not fit.

    Raises:
        CheckpointError: If the weights are missing or do not fit, or if the model has no codebook.
    """
    segmenter = Segmenter(load_model(folder), opening)
    if not segmenter.indexed:
        raise CheckpointError(f"checkpoint {folder.name!r} was trained without a codebook, so it has no tokens to show; choose another one")
    try:
        statistics = read_statistics(folder, segmenter)
    except (FileNotFoundError, CodebookError) as error:
        logger.warning("the Codebook tab is empty for %s: %s", title, error)
        statistics = None
    return Served(name, title, folder, segmenter, statistics, _reference(folder, segmenter, title), others)


def _reference(folder: Path, segmenter: Segmenter, title: str) -> Reference | None:
    try:
        return read_reference(folder, segmenter)
    except (FileNotFoundError, FamiliarityError) as error:
        logger.warning("scans are not compared with the training scans of %s: %s", title, error)
        return None


def title_of(folder: Path) -> str:
    """The folder's name and the structures of its network, such as acdc-10 (RV, MYO, LV). Raises CheckpointError."""
    model = read_config(folder).get("model")
    classes = model.get("classes") if isinstance(model, dict) else None
    structures = ", ".join(str(name) for name in classes[1:]) if isinstance(classes, list) else ""
    return f"{folder.resolve().name} ({structures})" if structures else folder.resolve().name


def public_name(checkpoint: str, folder: Path, home: Path) -> str:
    """The name of a checkpoint that visitors may see: it must not tell where other folders of this machine are.

    Args:
        checkpoint: A folder or a Hub id.
        folder: The folder of its files.
        home: The project's folder.

    Returns:
        The Hub id, the path below `home`, or the name of any other folder without its path.
    """
    if not Path(checkpoint).is_dir():
        return checkpoint
    resolved = folder.resolve()
    return str(resolved.relative_to(home)) if resolved.is_relative_to(home) else resolved.name
