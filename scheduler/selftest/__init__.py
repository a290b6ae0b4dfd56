"""The service put to the test by itself: real processes, random kills, and a checker afterwards."""

from scheduler.selftest.report import Report
from scheduler.selftest.trial import Plan, run_trial

__all__ = ["Plan", "Report", "run_trial"]
