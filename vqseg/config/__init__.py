"""Every setting of the project, as frozen dataclasses that read from and write to YAML.

Ranges are checked where a value enters (`__post_init__`); an unknown key is an error, never ignored.
"""

from vqseg.config.data import AugmentationConfig, DataConfig, PreprocessConfig
from vqseg.config.files import config_text, from_mapping, load_config, save_config, to_mapping
from vqseg.config.model import BackboneConfig, ModelConfig
from vqseg.config.objective import ObjectiveConfig
from vqseg.config.ranges import ConfigError
from vqseg.config.reads import ReadsConfig
from vqseg.config.run import Config
from vqseg.config.shipped import config_path, shipped_configs
from vqseg.config.train import TrainConfig

__all__ = [
    "AugmentationConfig",
    "BackboneConfig",
    "Config",
    "ConfigError",
    "DataConfig",
    "ModelConfig",
    "ObjectiveConfig",
    "PreprocessConfig",
    "ReadsConfig",
    "TrainConfig",
    "config_path",
    "config_text",
    "from_mapping",
    "load_config",
    "save_config",
    "shipped_configs",
    "to_mapping",
]
