"""The run: networks, loop, checkpoints. Only this module and group.py know the Accelerator.

step.py says what one step computes, losses/objective.py weighs its terms, placing.py places codewords, journal.py logs, run_data.py reads
the data, and state.py saves and restores.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import DistributedDataParallelKwargs
from torch import Tensor, nn
from tqdm import tqdm

from vqseg.checkpoint import checkpoint_folder, save_model
from vqseg.config import Config, TrainConfig, to_mapping
from vqseg.data.sampler import view_generator
from vqseg.losses.objective import Objective
from vqseg.models.vqseg import VQSeg
from vqseg.quantization.quantizer import utilisation
from vqseg.training.device import adamw, restore_generator, step_generator
from vqseg.training.folder import RunFolder
from vqseg.training.group import process_group
from vqseg.training.guide import make_guide
from vqseg.training.journal import Journal
from vqseg.training.placing import CodebookPlacing
from vqseg.training.run_data import RunData, load_run_data, on_terminal
from vqseg.training.schedule import learning_rate_schedule, lengthened_schedule, snapshot_steps, strength_at
from vqseg.training.snapshots import FILE as SNAPSHOTS
from vqseg.training.snapshots import gather_snapshots, take_snapshot
from vqseg.training.start import TrainingError, initial_network
from vqseg.training.state import RunNotes, changes_length, check_resumable, intact_state, load_state, save_state, saved_notes
from vqseg.training.step import training_step
from vqseg.training.teacher import Teacher
from vqseg.training.tracking import numbers, require_tracker, tracker_settings
from vqseg.training.validation import validation_dice
from vqseg.types import LossTerms

__all__ = ["Trainer", "TrainingError"]

logger = logging.getLogger(__name__)


class Trainer:
    """One run. `Trainer(config).run()` trains to the last step and leaves output/checkpoint; run(resume=True) goes on."""

    data: RunData

    def __init__(self, config: Config) -> None:
        self.config, train = config, config.train
        self.accelerator = _accelerator(train)
        self.device, self.group = self.accelerator.device, process_group(self.accelerator)
        self.main, self.folder = self.group.main, RunFolder(Path(train.output))
        torch.manual_seed(train.seed)
        self.network = self._placed(initial_network(config))
        self.teacher = Teacher(self.network, train.ema_decay, settled=train.initial is not None and not train.decoders_alone)
        self.guide = make_guide(train.foundation, config.model.codebook_dim, self.device) if config.objective.alignment > 0 else None
        # Drawn after the first network's, the weights of the second are others.
        partner = self._placed(initial_network(config)) if config.objective.target == "partner" else None
        # The trained networks; a state holds these and the teacher.
        parts = {"student": self.network, "adapter": self.guide.adapter if self.guide else None, "partner": partner}
        self.trained: dict[str, nn.Module] = {name: part for name, part in parts.items() if part is not None}
        optimizer = adamw(self.trained, train, self.device)
        self.student, self.optimizer = self.accelerator.prepare(self.network, optimizer)
        if self.guide:
            self.guide = replace(self.guide, adapter=self.accelerator.prepare(self.guide.adapter))
        self.run_student = self._compiled(self.student)
        self.run_partner = self._compiled(self.accelerator.prepare(partner)) if partner is not None else None
        self.schedule = learning_rate_schedule(optimizer, train)
        self.objective = Objective(config.objective)
        self.placing = CodebookPlacing(config, self.network, self.teacher, self.group)
        self.journal = Journal(self.folder.log, self.group, self._track)
        # Of what perturbs; the views have generators of their own (`view_generator`), which no perturbation can shift.
        # The same on every rank: each draws the random numbers of the whole batch and uses its part.
        self.generator = step_generator(train.seed, self.device, alone=self.group.share.count == 1)
        self.step = 0

    def _placed(self, network: VQSeg) -> VQSeg:
        placed: VQSeg = network.to(self.device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return placed

    def _compiled(self, network: nn.Module) -> nn.Module:
        return torch.compile(network) if self.config.train.compile else network  # type: ignore[return-value]

    @property
    def seconds(self) -> float:
        """Seconds the run has taken up to the last line of its log, earlier calls included."""
        return self.journal.seconds

    def run(self, *, resume: bool = False) -> Path:
        """Train to the last step.

        Args:
            resume: Go on with the run in `train.output`, if there is one.

        Returns:
            The checkpoint's folder.

        Raises:
            TrainingError: The loss or its gradient is not finite, or the folder holds a run that this one is not. Earlier checkpoints stay.
        """
        if self.main:
            self.folder.recover()
        self.group.wait()
        resuming = resume and self.folder.begun
        if not resuming:
            self._start_folder()
        self._load_data()
        if resuming:
            self._restore(intact_state(self.folder.state, self.folder.before))
        if self.config.train.tracker is not None:
            self.accelerator.init_trackers(self.folder.curves.name, init_kwargs=tracker_settings(self.step))
        self._train()
        # Not Accelerate's own end, which would also end the group of processes.
        for tracker in self.accelerator.trackers:
            tracker.finish()
        return self._finish()

    def _track(self, line: Mapping[str, object]) -> None:
        self.accelerator.log(numbers(line), step=line["step"])

    def _train(self) -> None:
        train, moments = self.config.train, snapshot_steps(self.config.train)
        bar = None
        if self.main and on_terminal():
            bar = tqdm(total=train.steps, initial=self.step, desc="training", unit="step", dynamic_ncols=True)
        finite = torch.ones((), dtype=torch.bool, device=self.device)
        self.journal.begin(self.step)
        while self.step < train.steps:
            self.placing.tend(self.step, self.data.sampler, view_generator(train.seed, self.step, "placing"))
            loss, terms, healthy = self._optimise()
            finite &= healthy
            self.journal.add(loss, terms, quantizing=self.placing.reads_codes(self.step))
            self.step += 1
            if bar is not None:
                bar.update()
            saving, logging_now = self._due(train.checkpoint_every), self._due(train.log_every)
            if saving or logging_now:
                # Values are read back here, and nowhere else in the loop.
                self._stop_if_broken(finite)
            if logging_now:
                means = self._log()
                if bar is not None:
                    bar.set_postfix(loss=means["loss"], dice=means["dice_labelled"], refresh=False)
            if self.step in moments:
                self._snapshot()
            if train.evaluate_every and self.step % train.evaluate_every == 0:
                self._validate()
            if saving:
                self._save()
        if bar is not None:
            bar.close()

    def _due(self, every: int) -> bool:
        return self.step % every == 0 or self.step == self.config.train.steps

    def _load_data(self) -> None:
        self.data = load_run_data(self.config, self.device, main=self.main)

    def _start_folder(self) -> None:
        self.folder.refuse_second_run()
        # All have looked before one writes: of a file half written, another process would say that no run has written it.
        self.group.wait()
        if self.main:
            self.folder.begin(self.config)

    def _optimise(self) -> tuple[Tensor, LossTerms, Tensor]:
        """One step. -> the loss, its terms, and whether the loss and (but for fp16) the gradient were finite."""
        train, config = self.config.train, self.config
        unlabelled = train.batch_unlabelled if self.objective.unlabelled_weight(self.step) > 0 else 0
        views = view_generator(train.seed, self.step)
        batch = self.data.sampler.draw(self.step, train.batch_labelled, unlabelled, views, self.group.share)
        self.student.train()
        with self.accelerator.autocast():
            terms = training_step(
                self.run_student,
                self.teacher,
                batch,
                self.generator,
                objective=replace(config.objective, strength=strength_at(config.objective, self.step)),
                augmentation=config.augmentation,
                quantize=self.placing.reads_codes(self.step),
                guide=self.guide,
                group=self.group,
                views=views,
                partner=self.run_partner,
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

    def _log(self) -> dict[str, float]:
        """Write the line that is due. -> the means over the steps since the last one."""
        usage = self._usage()
        train, weight = self.config.train, self.objective.unlabelled_weight(self.step - 1)
        unlabelled = train.batch_unlabelled if weight > 0 and self.data.sampler.pools.unlabelled is not None else 0
        strength = strength_at(self.config.objective, self.step - 1)
        facts = {
            "unlabelled_weight": round(weight, 4),
            **({"alignment_weight": round(self.objective.alignment_weight(self.step - 1), 4)} if self.guide else {}),
            **({"strength": round(strength, 4)} if self.config.objective.strength_schedule != "constant" else {}),
            "learning_rate": float(self.schedule.get_last_lr()[0]),
            "codewords_used": round(utilisation(usage), 4),
            **({"codebook_size": len(usage)} if train.adapt_codebook else {}),
        }
        return self.journal.report(self.step, images=(train.batch_labelled + unlabelled) * self.group.share.count, facts=facts)

    def _usage(self) -> Tensor:
        """How often each codeword was chosen since codewords were placed, by all processes, (K,)."""
        return self.group.sum(self.network.quantizer.usage.clone())

    def _stop_if_broken(self, finite: Tensor) -> None:
        if bool(finite):
            return
        kept = self.folder.state
        rest = f"the last good state is in {kept}" if kept.is_dir() else "no checkpoint was written yet"
        raise TrainingError(
            f"the loss or its gradient became NaN or infinite by step {self.step}; {rest}. Try a lower learning rate or fp32"
        )

    def _snapshot(self) -> None:
        if self.main and self.placing.reads_codes(self.step - 1):
            counts = take_snapshot(self.teacher.model, self.data.watched, self.step, self.folder.snapshots)
            self.journal.write({"step": self.step, "snapshot_utilisation": round(utilisation(counts), 4)})

    def _validate(self) -> None:
        if self.main and self.data.validation:
            scores = validation_dice(self.teacher.model, self.data.validation, quantize=self.placing.reads_codes(self.step - 1))
            self.journal.write({"step": self.step, "validation": {name: round(value, 4) for name, value in scores.items()}})
            logger.info("step %d: validation Dice %.4f", self.step, scores["dice"])

    def _save(self) -> None:
        generators = self.group.collect(self.generator.get_state().to(self.device)[None]).cpu()
        usage = self._usage()
        if self.main:
            notes: RunNotes = {
                "config": to_mapping(self.config),
                "codebook_size": len(usage),
                "step": self.step,
                "seconds": self.journal.elapsed(),
                "processes": self.group.share.count,
                "pseudo_labels": self.data.pseudo_labels,
                "patients": self.data.patients,
                "earlier": self.data.earlier,
                "scaler": self.accelerator.scaler.state_dict() if self.accelerator.scaler else {},
            }
            tensors = {"generators": generators, "usage": usage, "swap_temperature": self.network.swap_temperature.value}
            networks = self.trained | {"teacher": self.teacher}
            save_state(self.folder.state, self.folder.before, networks, self.optimizer, self.schedule, tensors, notes)
        self.group.wait()

    def _restore(self, state: Path) -> None:
        notes, train = saved_notes(state), self.config.train
        check_resumable(state, notes, self.config, self.data, self.group)
        # The folder of train.initial may hold another checkpoint by now.
        self.data = replace(self.data, earlier=notes.get("earlier", self.data.earlier))
        self.placing.resize(notes.get("codebook_size", self.network.quantizer.codebook_size))
        tensors = load_state(state, self.trained | {"teacher": self.teacher}, self.optimizer, self.schedule)
        if changes_length(notes, self.config):
            self.schedule = lengthened_schedule(self.optimizer.optimizer, train, notes["step"])
        restore_generator(self.generator, tensors["generators"][self.group.share.index], train.seed, notes["step"])
        # The saved counts are the sum over all ranks: only rank 0 takes them.
        usage = tensors["usage"] if self.main else torch.zeros_like(tensors["usage"])
        self.network.quantizer.usage.copy_(usage)
        if "swap_temperature" in tensors:
            self.network.swap_temperature.hold(tensors["swap_temperature"])
        self.step, self.journal.seconds = notes["step"], notes["seconds"]
        if self.accelerator.scaler and notes.get("scaler"):
            self.accelerator.scaler.load_state_dict(notes["scaler"])
        if self.main:
            self.journal.shorten(self.step)
            self.folder.note_settings(self.config)

    def _finish(self) -> Path:
        if self.main:
            training = {
                "config": to_mapping(self.config),
                **self.data.patients,
                "earlier": self.data.earlier,
                "steps": self.step,
                "seconds": round(self.seconds),
                "device": self.device.type,
                "processes": self.group.share.count,
            }
            save_model(self.teacher.model, self.folder.checkpoint, training=training)
            initial = self.config.train.initial
            gather_snapshots(self.folder.snapshots, self.folder.checkpoint, checkpoint_folder(initial) / SNAPSHOTS if initial else None)
            self.folder.finish()
        self.group.wait()
        return self.folder.checkpoint


def _accelerator(train: TrainConfig) -> Accelerator:
    """The Accelerator of a run. Raises TrainingError if the started processes do not form one group."""
    require_tracker(train.tracker)
    several = int(os.environ.get("WORLD_SIZE", "1")) > 1
    accelerator = Accelerator(
        log_with=train.tracker,
        project_dir=train.output if train.tracker is not None else None,
        # Several processes without a GPU form no group unless they are told that they have none.
        cpu=several and not torch.cuda.is_available(),
        mixed_precision="no" if train.precision == "fp32" else train.precision,
        kwargs_handlers=[DistributedDataParallelKwargs(broadcast_buffers=False, find_unused_parameters=True)],
    )
    if int(os.environ.get("WORLD_SIZE", "1")) != accelerator.num_processes:
        # Each process would act as the only one and write into the same folder.
        raise TrainingError(
            f"WORLD_SIZE is {os.environ['WORLD_SIZE']}, but the process group has {accelerator.num_processes} process(es); "
            "start with accelerate launch (on CPUs with --cpu)"
        )
    return accelerator
