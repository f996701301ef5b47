"""From a folder of somebody's scans to a data set, a configuration and the reasons for each of its settings.

layout.py finds images and their labels under the usual names; patients.py says which belong to one patient; survey.py measures them;
choices.py chooses settings, each with a reason; prepare.py writes a data set folder that links to the files; pace.py measures how many
steps fit into the time; plan.py does it all.
"""

from vqseg.planning.layout import PlanError
from vqseg.planning.plan import Plan, make_plan, told

__all__ = ["Plan", "PlanError", "make_plan", "told"]
