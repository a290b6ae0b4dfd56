"""What may become of a run, as the column `status` has it, which go together, and what is late."""

FAILED = ("error", "timeout", "lost")  # they are tried again, and count as failures
NOT_RUN = ("skipped", "missed")
FAILED_OR_MISSED = (*FAILED, "missed")  # what should have been done and was not
FINAL = ("success", *FAILED, "cancelled", *NOT_RUN)

# A tick takes its time: what has been due for less than this is not late yet.
LATE_AFTER_SECONDS = 5.0
