"""The duties that keep the promises: liveness, scans, sweeps, retention, requests."""
