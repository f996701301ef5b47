"""The run: data, networks, loop, log, checkpoints. The only room that knows the Accelerator.

What one step means stands in step.py, what it costs in losses/objective.py.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs, broadcast
from torch import Tensor, nn
from tqdm import tqdm

from vqseg.checkpoint import checkpoint_folder, recover_folder, save_model
from vqseg.config import Config, save_config, to_mapping
from vqseg.data.datasets import class_names, find_cases
from vqseg.data.loaders import ViewSampler, Volume, load_pools, read_case
from vqseg.data.phantom import CLASSES as PHANTOM_CLASSES
from vqseg.data.splits import ALL, labelled_and_unlabelled, read_splits, select
from vqseg.losses.objective import Objective
from vqseg.models.vqseg import VQSeg
from vqseg.quantization.quantizer import VectorQuantizer, utilisation
from vqseg.training.adaptation import adapt_codebook
from vqseg.training.group import process_group
from vqseg.training.guide import make_guide
from vqseg.training.pseudo_labels import (
    check_pseudo_labels,
    earlier_runs,
    labels_digest,
    learnt_beyond,
    seen_patients,
    with_pseudo_labels,
)
from vqseg.training.schedule import codebook_start, learning_rate_schedule, lengthened_schedule, snapshot_steps
from vqseg.training.snapshots import FILE as SNAPSHOTS
from vqseg.training.snapshots import gather_snapshots, take_snapshot
from vqseg.training.start import TrainingError, load_backbone, parameter_groups, start_from
from vqseg.training.state import load_state, refuse_changes, save_state, saved_notes
from vqseg.training.step import training_step
from vqseg.training.teacher import Teacher
from vqseg.training.validation import validation_dice
from vqseg.types import LossTerms

logger = logging.getLogger(__name__)

# Crops from which codewords are placed, and slices on which the snapshots count.
_PLACING_BATCHES, _PLACING_CROPS = 4, 16
_FEATURES_PER_CODEWORD, _MOST_PLACING_BATCHES = 2, 64
_SNAPSHOT_SLICES = 80


class Trainer:
    """One run. `Trainer(config).run()` trains to the last step and leaves output/checkpoint; run(resume=True) goes on."""

    def __init__(self, config: Config) -> None:
        self.config, train = config, config.train
        if config.model.in_channels != 1:
            raise TrainingError(f"model.in_channels is {config.model.in_channels}; scans are read with one channel")
        self.accelerator = Accelerator(
            mixed_precision="no" if train.precision == "fp32" else train.precision,
            kwargs_handlers=[DistributedDataParallelKwargs(broadcast_buffers=False, find_unused_parameters=True)],
        )
        if int(os.environ.get("WORLD_SIZE", "1")) != self.accelerator.num_processes:
            # Each process would take itself for the only one and write into the same folder.
            raise TrainingError(
                f"WORLD_SIZE is {os.environ['WORLD_SIZE']}, but {self.accelerator.num_processes} process(es) have met; "
                "start with accelerate launch (on CPUs with --cpu)"
            )
        self.device, self.main = self.accelerator.device, self.accelerator.is_main_process
        self.output = Path(train.output)
        torch.manual_seed(train.seed)
        self.network = VQSeg(config.model, config.preprocess)
        if train.initial is not None:
            start_from(self.network, train.initial)
        else:
            load_backbone(self.network, train.backbone_weights)
        self.network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.teacher = Teacher(self.network, train.ema_decay, settled=train.initial is not None)
        self.guide = make_guide(train.foundation, config.model.codebook_dim, self.device) if config.objective.alignment > 0 else None
        # What is trained, and with the teacher what a state holds: the network, and beside it the adapter if there is one.
        self.trained = {"student": self.network} | ({"adapter": self.guide.adapter} if self.guide else {})
        optimizer = torch.optim.AdamW(parameter_groups(self.trained, train), weight_decay=train.weight_decay)
        self.student, self.optimizer = self.accelerator.prepare(self.network, optimizer)
        if self.guide:
            self.guide = replace(self.guide, adapter=self.accelerator.prepare(self.guide.adapter))
        self.run_student: nn.Module = torch.compile(self.student) if train.compile else self.student  # type: ignore[assignment]
        self.schedule = learning_rate_schedule(optimizer, train)
        self.objective = Objective(config.objective)
        # The same on every process: each draws the numbers of the whole batch and takes its share.
        self.generator = torch.Generator().manual_seed(train.seed * 1_000_003)
        self.group = process_group(self.accelerator.process_index, self.accelerator.num_processes, self.accelerator.gather)
        self.codebook_start = codebook_start(train)
        # seconds: up to the last line of the log, which was written at the moment `since`.
        self.step, self.seconds, self.since = 0, 0.0, time.perf_counter()

    def run(self, *, resume: bool = False) -> Path:
        """Train. Returns the checkpoint folder. Raises TrainingError on a non-finite loss; earlier checkpoints stay."""
        state = self.output / "state"
        if self.main:
            recover_folder(state)
        self.accelerator.wait_for_everyone()
        resuming = resume and state.is_dir()
        if not resuming:
            self._start_folder()
        self._load_data()
        if resuming:
            self._restore(state)
        train = self.config.train
        moments = snapshot_steps(train)
        bar = tqdm(total=train.steps, initial=self.step, disable=not self.main, desc="training", unit="step", dynamic_ncols=True)
        finite = torch.ones((), dtype=torch.bool, device=self.device)
        sums: dict[str, Tensor] = {}
        counts: Counter[str] = Counter()
        logged, self.since = self.step, time.perf_counter()
        while self.step < train.steps:
            self._tend_codebook()
            loss, terms, healthy = self._optimise()
            finite &= healthy
            for name, value in self._logged(loss, terms).items():
                sums[name] = sums.get(name, 0) + value.detach()
                counts[name] += self._has_begun(name, terms)
            self.step += 1
            bar.update()
            saving = self.step % train.checkpoint_every == 0 or self.step == train.steps
            logging_now = self.step % train.log_every == 0 or self.step == train.steps
            if saving or logging_now:
                # Values are read back here, and nowhere else in the loop.
                self._stop_if_broken(finite)
            if logging_now:
                now = time.perf_counter()
                self.seconds += now - self.since
                # After a resume the first line covers fewer steps.
                self._log({name: value / max(1, counts[name]) for name, value in sums.items()}, self.step - logged, now - self.since, bar)
                sums, logged, self.since = {}, self.step, now
                counts.clear()
            if self.step in moments:
                self._snapshot()
            if train.evaluate_every and self.step % train.evaluate_every == 0:
                self._validate()
            if saving:
                self._save(state)
        bar.close()
        return self._finish()

    def _load_data(self) -> None:
        config, folder = self.config, self.config.data.folder
        names = class_names(folder)
        if names != config.model.classes:
            raise TrainingError(f"{folder} has the classes {names}, the configuration {config.model.classes}")
        if config.data.phantom_patients and names != PHANTOM_CLASSES:
            raise TrainingError(f"the phantoms have the classes {PHANTOM_CLASSES}, {folder} has {names}; set data.phantom_patients to 0")
        cases, splits = find_cases(folder), read_splits(folder)
        labelled, unlabelled = labelled_and_unlabelled(cases, splits, config.data.labelled)

        if config.data.pseudo_labels is not None:
            unlabelled = with_pseudo_labels(labelled, unlabelled, config.data)
            logger.info("pseudo-labels of %s: objective.confidence and objective.largest_region are not asked", config.data.pseudo_labels)
        self.pseudo_labels = labels_digest(unlabelled)
        self.patients = seen_patients(labelled, splits)
        self.earlier = earlier_runs(config.train.initial)
        if self.main and learnt_beyond(self.earlier, cases, splits, config.data.labelled):
            logger.warning("%s has learnt from other labels of this data set than those of %s", config.train.initial, config.data.labelled)

        def progress(items: Sequence[Any]) -> Any:
            return tqdm(items, desc="reading", unit="volume", disable=not self.main, leave=False)

        pools = load_pools(labelled, unlabelled, config.data, config.preprocess, progress)
        if pools.labelled.labels is not None and int(pools.labelled.labels.max()) >= len(names):
            raise TrainingError(f"{folder} has the label {int(pools.labelled.labels.max())}; expected 0 to {len(names) - 1} for {names}")
        if pools.unlabelled is not None and pools.unlabelled.labels is not None:
            check_pseudo_labels(pools.unlabelled.labels, names, config.data.pseudo_labels)
        self.sampler = ViewSampler(pools, config.augmentation, config.data, self.device)
        validating = splits.val and (config.train.evaluate_every or 0) <= config.train.steps and config.train.evaluate_every
        known = [case for case in select(cases, splits.val) if case.label is not None] if validating else []
        self.validation: list[Volume] = [read_case(case, config.preprocess) for case in known]
        watched = pools.unlabelled if pools.unlabelled is not None else pools.labelled
        picks = torch.linspace(0, len(watched) - 1, min(len(watched), _SNAPSHOT_SLICES)).long()
        self.watched = watched.images[picks][:, None].to(self.device)
        if self.main:
            logger.info("%d labelled and %d unlabelled volumes (share %s)", len(labelled), len(unlabelled), config.data.labelled)
            if config.data.labelled == ALL:
                logger.info("all labels are used: there is no unlabelled branch")

    def _start_folder(self) -> None:
        if (self.output / "state").exists():
            raise TrainingError(f"{self.output} holds a run already: go on with --resume, or choose another --train.output")
        if not self.main:
            return
        self.output.mkdir(parents=True, exist_ok=True)
        (self.output / "log.jsonl").unlink(missing_ok=True)
        # Of a run that was cut off before its first state.
        shutil.rmtree(self.output / "snapshots", ignore_errors=True)
        save_config(self.config, self.output / "config.yaml")

    def _quantizing(self) -> bool:
        """Whether the step at hand reads codes."""
        return self.step >= self.codebook_start and not self.config.model.continuous

    def _quantized(self) -> bool:
        """Whether the last step read codes: the codebook is placed at the beginning of a step, not at the end of the one before."""
        return self.step > self.codebook_start and not self.config.model.continuous

    def _optimise(self) -> tuple[Tensor, LossTerms, Tensor]:
        """One step. -> the loss, its terms, and whether the loss and (but for fp16) the gradient were finite."""
        train, config = self.config.train, self.config
        unlabelled = train.batch_unlabelled if self.objective.unlabelled_weight(self.step) > 0 else 0
        batch = self.sampler.draw(self.step, train.batch_labelled, unlabelled, self.generator, self.group.share)
        self.student.train()
        with self.accelerator.autocast():
            terms = training_step(
                self.run_student,
                self.teacher,
                batch,
                self.generator,
                objective=config.objective,
                augmentation=config.augmentation,
                quantize=self._quantizing(),
                guide=self.guide,
                group=self.group,
            )
        loss = self.objective(terms, self.step)
        self.optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        norm = self.accelerator.clip_grad_norm_([p for part in self.trained.values() for p in part.parameters()], train.clip_norm)
        self.optimizer.step()
        self.schedule.step()
        self.teacher.update(self.network)
        healthy = torch.isfinite(loss.detach())
        # fp16 scales its loss until gradients overflow and skips those steps; elsewhere such a gradient spoils the weights before
        # the next loss tells.
        if train.precision != "fp16" and norm is not None:
            healthy &= torch.isfinite(norm)
        return loss.detach(), terms, healthy

    def _tend_codebook(self) -> None:
        """Place all codewords once features mean something, and later those that nobody chooses."""
        train, quantizer = self.config.train, self.network.quantizer
        if self.config.model.continuous:
            return
        since = self.step - self.codebook_start
        starting = since == 0 and self.codebook_start > 0
        reviving = train.revive_every > 0 and since > 0 and since % train.revive_every == 0 and self.step < train.revive_until * train.steps
        if not (starting or reviving):
            return
        quantizer.usage.copy_(self.accelerator.reduce(quantizer.usage, reduction="sum"))
        features = self._features()
        shared = torch.Generator().manual_seed(self.config.train.seed * 7_919 + self.step)
        if starting:
            quantizer.initialise(features, shared)
        elif train.adapt_codebook:
            adapt_codebook(quantizer, features, shared, smallest=train.codebook_smallest, largest=train.codebook_largest)
            self.network.config = replace(self.network.config, codebook_size=quantizer.codebook_size)
        else:
            logger.debug("step %d: %d codewords placed anew", self.step, quantizer.revive(features, shared))
        # Processes on devices of several kinds may have rounded the places differently.
        broadcast(quantizer.basis)
        if starting or train.adapt_codebook:
            # At a revival the teacher's mapping stays an average; the moved rows are in the frozen matrix, which it copies at every update.
            self.teacher.copy_codebook(self.network)

    @torch.no_grad()
    def _features(self) -> Tensor:
        """Features to place codewords on, (N, D): of a few batches, or of as many as a large codebook needs to find places of its own."""
        parts: list[Tensor] = []
        wanted = _FEATURES_PER_CODEWORD * self.network.quantizer.codebook_size
        for drawn in range(_MOST_PLACING_BATCHES):
            if drawn >= _PLACING_BATCHES and sum(map(len, parts)) >= wanted:
                break
            half = max(1, _PLACING_CROPS // 2 // self.group.share.count)
            batch = self.sampler.draw(self.step, half, half, self.generator, self.group.share)
            for images in (batch.images, batch.weak):
                if images is not None:
                    z = self.network.split_levels(self.network.encode(images))[1]
                    parts.append(self.group.collect(z.float().permute(0, 2, 3, 1)).flatten(0, 2))
        return torch.cat(parts)

    def _logged(self, loss: Tensor, terms: LossTerms) -> dict[str, Tensor]:
        # Terms that are left out are plain zeros.
        values = {name: value for name, value in vars(terms).items() if isinstance(value, Tensor)}
        return {"loss": loss, **values, **terms.figures}

    def _has_begun(self, name: str, terms: LossTerms) -> bool:
        """Whether a term is more than a zero that holds its place: the unlabelled branch and the codebook begin within a run."""
        if name.startswith("unlabelled"):
            return "confident_share" in terms.figures
        return name != "quantizer" or self._quantizing()

    def _log(self, means: dict[str, Tensor], steps: int, seconds: float, bar: Any) -> None:
        """means: over the steps in which a term was there."""
        usage = self.accelerator.reduce(self.network.quantizer.usage.clone(), reduction="sum")
        # The mean over the processes: what the whole batch has cost.
        means = dict(zip(means, self.accelerator.reduce(torch.stack([*means.values()]), reduction="mean"), strict=True))
        if not self.main:
            return
        train = self.config.train
        weight = self.objective.unlabelled_weight(self.step - 1)
        unlabelled = train.batch_unlabelled if weight > 0 and self.sampler.pools.unlabelled is not None else 0
        images = (train.batch_labelled + unlabelled) * self.accelerator.num_processes
        values = {name: round(float(value), 6) for name, value in means.items()}
        line = {
            "step": self.step,
            **values,
            "unlabelled_weight": round(weight, 4),
            **({"alignment_weight": round(self.objective.alignment_weight(self.step - 1), 4)} if self.guide else {}),
            "learning_rate": self.schedule.get_last_lr()[0],
            "codewords_used": round(utilisation(usage), 4),
            **({"codebook_size": len(usage)} if train.adapt_codebook else {}),
            "steps_per_second": round(steps / seconds, 3),
            "images_per_second": round(steps * images / seconds, 1),
        }
        self._write(line)
        bar.set_postfix(loss=values["loss"], dice=values["dice_labelled"], refresh=False)

    def _write(self, line: dict[str, Any]) -> None:
        with (self.output / "log.jsonl").open("a", encoding="utf-8") as log:
            log.write(json.dumps(line) + "\n")

    def _stop_if_broken(self, finite: Tensor) -> None:
        if bool(finite):
            return
        kept = self.output / "state"
        rest = f"the last good state is in {kept}" if kept.is_dir() else "no checkpoint was written yet"
        raise TrainingError(
            f"the loss or its gradient became NaN or infinite by step {self.step}; {rest}. Try a lower learning rate or fp32"
        )

    def _snapshot(self) -> None:
        if self.main and self._quantized():
            counts = take_snapshot(self.teacher.model, self.watched, self.step, self.output / "snapshots")
            self._write({"step": self.step, "snapshot_utilisation": round(utilisation(counts), 4)})

    def _validate(self) -> None:
        if self.main and self.validation:
            scores = validation_dice(self.teacher.model, self.validation, quantize=self._quantized())
            self._write({"step": self.step, "validation": {name: round(value, 4) for name, value in scores.items()}})
            logger.info("step %d: validation Dice %.4f", self.step, scores["dice"])

    def _save(self, state: Path) -> None:
        mine = self.accelerator.gather(self.generator.get_state().to(self.device)[None]).cpu()
        usage = self.accelerator.reduce(self.network.quantizer.usage.clone(), reduction="sum")
        if self.main:
            save_state(
                state,
                self.trained | {"teacher": self.teacher},
                self.optimizer,
                self.schedule,
                {"generators": mine, "usage": usage},
                {
                    "config": to_mapping(self.config),
                    "codebook_size": len(usage),
                    "step": self.step,
                    "seconds": self.seconds + time.perf_counter() - self.since,
                    "processes": self.accelerator.num_processes,
                    "pseudo_labels": self.pseudo_labels,
                    "patients": self.patients,
                    "earlier": self.earlier,
                    # Of fp16: the scale of the loss, and how long it has stood. Empty in any other precision.
                    "scaler": self.accelerator.scaler.state_dict() if self.accelerator.scaler else {},
                },
            )
        self.accelerator.wait_for_everyone()

    def _restore(self, state: Path) -> None:
        networks = self.trained | {"teacher": self.teacher}
        notes, train = saved_notes(state), self.config.train
        # States of earlier versions do not say what they were made with.
        begun = notes.get("config", to_mapping(self.config))
        refuse_changes(state, begun, to_mapping(self.config))
        if notes.get("pseudo_labels", self.pseudo_labels) != self.pseudo_labels:
            raise TrainingError(f"the files in {self.config.data.pseudo_labels} are not those that the run in {state} began with")
        if notes.get("patients", self.patients) != self.patients:
            raise TrainingError(
                f"the run in {state} began with other patients, or with the labels of others, than {self.config.data.folder} has now"
            )
        if notes["step"] > train.steps:
            raise TrainingError(f"{state} is at step {notes['step']}, beyond the {train.steps} asked for")
        # The folder of train.initial may hold another checkpoint by now.
        self.earlier = notes.get("earlier", self.earlier)
        self._take_size(notes.get("codebook_size", self.network.quantizer.codebook_size))
        tensors, notes = load_state(state, networks, self.optimizer, self.schedule)
        if begun["train"]["steps"] != train.steps:
            self.schedule = lengthened_schedule(self.optimizer.optimizer, train, notes["step"])
        if notes["processes"] != self.accelerator.num_processes:
            raise TrainingError(
                f"the run was made by {notes['processes']} process(es), not {self.accelerator.num_processes}; resume with as many"
            )
        self.generator.set_state(tensors["generators"][self.accelerator.process_index].clone())
        # The saved counts are the sum over the processes: one of them carries it on.
        usage = tensors["usage"] if self.main else torch.zeros_like(tensors["usage"])
        self.network.quantizer.usage.copy_(usage)
        self.step, self.seconds = notes["step"], notes["seconds"]
        if self.accelerator.scaler and notes.get("scaler"):
            self.accelerator.scaler.load_state_dict(notes["scaler"])
        if self.main:
            self._shorten_log()
            # Its length, and how often it reports, may be others now.
            save_config(self.config, self.output / "config.yaml")

    def _take_size(self, size: int) -> None:
        """Give student and teacher a codebook of the size that the saved one has grown or shrunk to."""
        if not self.config.train.adapt_codebook or size == self.network.quantizer.codebook_size:
            return
        quantizer = VectorQuantizer(size, self.config.model.codebook_dim).to(self.device)
        self.network.quantizer.take_over(quantizer)
        self.network.config = replace(self.network.config, codebook_size=size)
        self.teacher.copy_codebook(self.network)

    def _shorten_log(self) -> None:
        """Drop the lines after the restored step: a run that was cut off has logged steps which come again."""
        log = self.output / "log.jsonl"
        lines = log.read_text(encoding="utf-8").splitlines(keepends=True) if log.is_file() else []
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= self.step]
        log.write_text("".join(kept), encoding="utf-8")

    def _finish(self) -> Path:
        folder = self.output / "checkpoint"
        if self.main:
            training = {
                "config": to_mapping(self.config),
                **self.patients,
                "earlier": self.earlier,
                "steps": self.step,
                "seconds": round(self.seconds),
                "device": self.device.type,
                "processes": self.accelerator.num_processes,
            }
            save_model(self.teacher.model, folder, training=training)
            earlier = checkpoint_folder(self.config.train.initial) / SNAPSHOTS if self.config.train.initial else None
            gather_snapshots(self.output / "snapshots", folder, earlier)
        self.accelerator.wait_for_everyone()
        return folder
