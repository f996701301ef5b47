"""The images of a run, read once, and what later users of the run's weights must know of them."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from tqdm import tqdm

from vqseg.config import Config
from vqseg.data.case_files import read_case_files, read_every, tell_notes
from vqseg.data.datasets import DatasetError, class_names, find_cases
from vqseg.data.loaders import TrainingPools, Volume, load_pools, read_case
from vqseg.data.phantom import CLASSES as PHANTOM_CLASSES
from vqseg.data.sampler import ViewSampler
from vqseg.data.splits import ALL, Splits, cases_of_split, has_split, labelled_and_unlabelled, read_splits, select, unlabelled_of
from vqseg.training.provenance import EarlierRun, earlier_runs, labels_digest, learnt_beyond, seen_patients
from vqseg.training.pseudo_labels import with_pseudo_labels
from vqseg.training.start import TrainingError
from vqseg.types import Case

logger = logging.getLogger(__name__)

# Slices on which the snapshots count codewords.
_WATCHED = 80


@dataclass(frozen=True)
class RunData:
    """What a run reads.

    sampler: draws the views of a step. validation: volumes measured during training. watched (N, C_in, H, W): the slices on which every
    snapshot counts the codewords. pseudo_labels: digest of those made beforehand. patients: digests of the labelled and of all training
    patients. earlier: the same digests of the runs that the initial weights come from, the oldest first.
    """

    sampler: ViewSampler
    validation: list[Volume]
    watched: Tensor
    pseudo_labels: str
    patients: EarlierRun
    earlier: list[EarlierRun]


def load_run_data(config: Config, device: torch.device, *, main: bool) -> RunData:
    """Read all images and labels that a run needs.

    Args:
        config: Of the run.
        device: Where the views are made.
        main: Whether this is rank 0, which logs and shows progress.

    Raises:
        TrainingError: The data set has other classes than the network.
        ScanError: A scan cannot be read.
        DatasetError: The data set or its splits cannot be read, or labels do not fit: those of the held-out patients are looked at, too.
        PseudoLabelError: The run must not learn from `data.pseudo_labels`.
    """
    _check_classes(config)
    if main:
        _check_held_out(config)
    cases, splits = find_cases(config.data.folder), read_splits(config.data.folder)
    labelled, unlabelled = labelled_and_unlabelled(cases, splits, config.data.labelled)
    if config.data.labelled != ALL:
        unlabelled += unlabelled_of(config.data.unlabelled_folders, cases)
    if config.data.pseudo_labels is not None:
        unlabelled = with_pseudo_labels(labelled, unlabelled, config.data)
        logger.info("pseudo-labels of %s: objective.confidence and objective.largest_region are ignored", config.data.pseudo_labels)
    earlier = earlier_runs(config.train.initial)
    if main and learnt_beyond(earlier, cases, splits, config.data.labelled):
        logger.warning("%s was trained with labels of this data set outside the share %s", config.train.initial, config.data.labelled)

    def progress(items: Sequence[Case]) -> Iterable[Case]:
        if not (main and on_terminal()):
            return items
        shown: Iterable[Case] = tqdm(items, desc="reading", unit="volume", leave=False)
        return shown

    # A network that gets images alone takes them as single pictures.
    context = config.model.context_slices if config.preprocess.neighbours else 0
    pools = load_pools(
        labelled,
        unlabelled,
        config.data,
        config.preprocess,
        progress,
        channels=config.model.in_channels,
        context=context,
        classes=config.model.classes,
    )
    _check_labels(pools, config)
    if main:
        logger.info("%d labelled and %d unlabelled volumes (share %s)", len(labelled), len(unlabelled), config.data.labelled)
        if config.data.labelled == ALL:
            logger.info("all labels are used: there is no unlabelled branch")
    return RunData(
        sampler=ViewSampler(pools, config.augmentation, config.data, device),
        validation=_validation(config, cases, splits),
        watched=_watched(pools).to(device),
        pseudo_labels=labels_digest(unlabelled),
        patients=seen_patients(labelled, splits),
        earlier=earlier,
    )


def _check_classes(config: Config) -> None:
    folder, names = config.data.folder, class_names(config.data.folder)
    if names != config.model.classes:
        raise TrainingError(f"{folder} has the classes {names}, but model.classes is {config.model.classes}")
    if config.data.phantom_patients and not set(names) <= set(PHANTOM_CLASSES):
        # What a phantom does not draw would be taught as background.
        raise TrainingError(f"the phantoms have the classes {PHANTOM_CLASSES}, {folder} has {names}; set data.phantom_patients to 0")
    if config.data.phantom_patients and config.model.in_channels > 1:
        raise TrainingError(
            f"the phantoms have one channel, model.in_channels is {config.model.in_channels}; set data.phantom_patients to 0"
        )


def _check_held_out(config: Config) -> None:
    """Look at the labels that will be measured against, so that nobody finds out at the end. They teach nothing."""
    folder, held_out = config.data.folder, []
    for split in ("val", "test"):
        try:
            cases = cases_of_split(folder, split) if has_split(folder, split) else []
        except DatasetError as error:
            # The run does without them.
            logger.warning("the %s split cannot be measured: %s", split, error)
            continue
        if bare := [case.name for case in cases if case.label is None]:
            logger.warning("%d case(s) of the %s split have no labels to measure against, the first is %s", len(bare), split, bare[0])
        held_out += [case for case in cases if case.label is not None]

    def notes(case: Case) -> tuple[str, ...]:
        return read_case_files(case, config.model.classes, channels=config.model.in_channels)[0].notes

    for case, told in zip(held_out, read_every(held_out, notes), strict=True):
        tell_notes(case, told)


def _check_labels(pools: TrainingPools, config: Config) -> None:
    names = config.model.classes
    taught = [pool.labels for pool in (pools.labelled, pools.phantoms) if pool is not None and pool.labels is not None]
    found = torch.cat([labels.unique() for labels in taught]).unique().tolist() if taught else []
    if untaught := [name for value, name in enumerate(names) if value not in found]:
        logger.warning("no labelled slice shows %s: the run cannot learn what nobody shows it", ", ".join(untaught))


def _validation(config: Config, cases: Sequence[Case], splits: Splits) -> list[Volume]:
    """The labelled validation volumes; none if the run ends before its first validation."""
    if not (splits.val and 0 < config.train.evaluate_every <= config.train.steps):
        return []
    model, measured = config.model, [case for case in select(cases, splits.val) if case.label is not None]
    volumes = [read_case(case, config.preprocess, model.classes, channels=model.in_channels) for case in measured]
    return [volume.contoured for volume in volumes] if config.data.contoured_only else volumes


def _watched(pools: TrainingPools) -> Tensor:
    """Evenly spread slices (N, C_in, H, W), of the unlabelled patients where there are any."""
    pool = pools.unlabelled if pools.unlabelled is not None else pools.labelled
    picks = torch.linspace(0, len(pool) - 1, min(len(pool), _WATCHED)).long()
    return pool.inputs(picks)


def on_terminal() -> bool:
    """Whether somebody may watch a bar. A bar that nobody sees would still take the lock that all bars of a process share."""
    return sys.stderr is not None and sys.stderr.isatty()
