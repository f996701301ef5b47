"""What a codebook has learnt, over a data set and not over a batch; one file, codebook.npz, lies beside the checkpoint."""

from vqseg.codebook.analysis import analyse, project, token_classes
from vqseg.codebook.file import FILE, VERSION, read_statistics, write_statistics
from vqseg.codebook.keys import codebook_key, codewords_of
from vqseg.codebook.statistics import CodebookError, CodebookStatistics, perplexity

__all__ = [
    "FILE",
    "VERSION",
    "CodebookError",
    "CodebookStatistics",
    "analyse",
    "codebook_key",
    "codewords_of",
    "perplexity",
    "project",
    "read_statistics",
    "token_classes",
    "write_statistics",
]
