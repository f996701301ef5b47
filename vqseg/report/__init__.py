"""report.html of a run: its curves, its scores, and the cases in which it is worst as pictures.

curves.py draws the log, worst.py the pictures, page.py puts both together.
"""

from vqseg.report.page import ReportError, write_run_report

__all__ = ["ReportError", "write_run_report"]
