"""Finds the scheduled functions below the scan paths; user code runs in forked processes only."""

from scheduler.scanner.scan import RETRY_FAILED_SECONDS, Scanner, ScanReport
from scheduler.scanner.walk import FileState

__all__ = ["RETRY_FAILED_SECONDS", "FileState", "ScanReport", "Scanner"]
