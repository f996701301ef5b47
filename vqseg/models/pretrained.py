"""The three methods by which networks come from the Hugging Face Hub and go there, with the signatures of its PyTorchModelHubMixin.

Not that class itself: it reads pickled weights where a repository has nothing else, and its config.json is not ours.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from torch import nn

from vqseg.hub import Download

if TYPE_CHECKING:
    import torch

    from vqseg.models.vqseg import VQSeg


class Pretrained(nn.Module):
    """A network whose checkpoint may lie on the Hub. The files themselves belong to vqseg.checkpoint and vqseg.sharing."""

    origin: Path | None = None
    """The folder that the weights were loaded from, if they were."""

    @classmethod
    def from_pretrained(
        cls,
        pretrained_model_name_or_path: str | Path,
        *,
        force_download: bool = False,
        token: str | bool | None = None,
        cache_dir: str | Path | None = None,
        local_files_only: bool = False,
        revision: str | None = None,
        device: str | torch.device | None = None,
    ) -> VQSeg:
        """A trained network in evaluation mode.

        Args:
            pretrained_model_name_or_path: As for `vqseg.load_model`.
            force_download: Download again what is there.
            token: For private repositories; the stored one if None, none at all if False.
            cache_dir: Where downloads are kept; huggingface_hub's own cache if None.
            local_files_only: Ask nobody: only what was downloaded before.
            revision: Branch, tag or commit; the main branch if None.
            device: "cpu", "cuda" ...; None for the CPU.

        Raises:
            CheckpointError: As for `vqseg.load_model`.
        """
        # Below this room by what it does, above it by what it needs.
        from vqseg.checkpoint import load_model

        download = Download(
            revision=revision, token=token, cache_dir=cache_dir, local_files_only=local_files_only, force_download=force_download
        )
        return load_model(pretrained_model_name_or_path, device, download=download)

    def save_pretrained(
        self, save_directory: str | Path, *, repo_id: str | None = None, push_to_hub: bool = False, **push_to_hub_kwargs: object
    ) -> str | None:
        """Write a checkpoint: weights, configuration, a card and, while the weights are those that were loaded, the codebook's files.

        Args:
            save_directory: Made if missing.
            repo_id: Where to push; the folder's name if not given.
            push_to_hub: Whether to push it, too.
            push_to_hub_kwargs: As for `push_to_hub`.

        Returns:
            The address of the commit if it was pushed, else None.

        Raises:
            CheckpointError: It cannot be pushed.
        """
        from vqseg.sharing import save_with_companions

        save_with_companions(cast("VQSeg", self), Path(save_directory))
        if not push_to_hub:
            return None
        return self.push_to_hub(repo_id or Path(save_directory).name, **push_to_hub_kwargs)  # type: ignore[arg-type]

    def push_to_hub(
        self,
        repo_id: str,
        *,
        commit_message: str = "Push model using huggingface_hub.",
        private: bool | None = None,
        token: str | None = None,
        branch: str | None = None,
        create_pr: bool | None = None,
        allow_patterns: Sequence[str] | str | None = None,
        ignore_patterns: Sequence[str] | str | None = None,
        delete_patterns: Sequence[str] | str | None = None,
    ) -> str:
        """Write the checkpoint into a repository on the Hub, in one commit; the repository is made if missing.

        Args:
            repo_id: "owner/name".
            commit_message: Of the commit.
            private: Of a new repository; None for its owner's default.
            token: With the right to write; the stored one of `hf auth login` if not given.
            branch: The main branch if not given.
            create_pr: Open a pull request in place of a commit.
            allow_patterns: Only files that match one of these.
            ignore_patterns: No files that match one of these.
            delete_patterns: Files there that are deleted in the same commit.

        Returns:
            The address of the commit.

        Raises:
            CheckpointError: The Hub does not take it.
        """
        from vqseg.sharing import push

        settings = {"commit_message": commit_message, "revision": branch, "create_pr": create_pr}
        patterns = {"allow_patterns": allow_patterns, "ignore_patterns": ignore_patterns, "delete_patterns": delete_patterns}
        return push(cast("VQSeg", self), repo_id, token=token, private=private, upload={**settings, **patterns})
