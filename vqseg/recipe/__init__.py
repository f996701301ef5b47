"""A checkpoint that is trained in several stages, from one file: the stages, the pseudo-labels between them, one log and one card.

Knows the stages by their settings. How a run trains is in vqseg.training, what a checkpoint is measured by in vqseg.evaluation.
"""

from vqseg.recipe.plan import PseudoLabelling, Recipe, RecipeError, Stage, load_recipe
from vqseg.recipe.run import run_recipe

__all__ = ["PseudoLabelling", "Recipe", "RecipeError", "Stage", "load_recipe", "run_recipe"]
