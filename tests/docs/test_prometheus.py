"""The alert rules ask for metrics that exist, and Prometheus's own tool accepts them."""

import re
import subprocess
from pathlib import Path

from tests.docs.readme import ROOT
from tests.needs import need

_RULES = ROOT / "deploy" / "prometheus" / "alerts.yaml"
_ALERTS = {
    "SchedulerAbsent": {},
    "SchedulerNotTicking": {"scheduler_seconds_since_last_tick": "0+60x60"},
    "SchedulerWithoutWorker": {'scheduler_processes_alive{role="worker"}': "0x60"},
    "SchedulerQueueStuck": {"scheduler_queue_oldest_waiting_seconds": "0+60x60"},
    "SchedulerRunsFail": {
        'scheduler_runs_total{status="error"}': "0+6x60",
        'scheduler_runs_total{status="success"}': "0+4x60",
    },
}
_HEALTHY = {
    "scheduler_build_info": "1x60",
    "scheduler_seconds_since_last_tick": "1x60",
    "scheduler_database_up": "1x60",
    'scheduler_processes_alive{role="worker"}': "1x60",
    "scheduler_queue_oldest_waiting_seconds": "1x60",
    'scheduler_runs_total{status="error"}': "0+4x60",
    'scheduler_runs_total{status="success"}': "0+6x60",
}


def test_every_metric_of_the_alerts_is_one_that_is_served() -> None:
    families = (ROOT / "scheduler" / "metrics" / "families.py").read_text()
    asked = set(re.findall(r"scheduler_([a-z_]+?)(?:_total)?\b(?=[{)\[])", _RULES.read_text()))

    assert len(asked) == 6
    assert all(re.search(rf'"(scheduler_)?{name}"', families) for name in asked)


def test_there_is_an_alert_for_each_of_five_things_and_it_says_what_to_do() -> None:
    text = _RULES.read_text()

    assert re.findall(r"alert: (\w+)", text) == list(_ALERTS)
    assert text.count("summary: ") == text.count("remedy: ") == 5


def test_each_alert_fires_when_its_trouble_lasts_and_none_while_all_is_well(
    tmp_path: Path,
) -> None:
    cases = [_case(_HEALTHY, {}, None)]
    cases += [_case(_HEALTHY, trouble, alert) for alert, trouble in _ALERTS.items()]
    file = tmp_path / "cases.yaml"
    file.write_text(f"rule_files: [{_RULES}]\nevaluation_interval: 1m\ntests:\n{''.join(cases)}")

    promtool = need("promtool")
    for command in (["check", "rules", str(_RULES)], ["test", "rules", str(file)]):
        done = subprocess.run(
            [promtool, *command], capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr


def _case(healthy: dict[str, str], trouble: dict[str, str], firing: str | None) -> str:
    """Return one test of promtool: which alert fires after 50 minutes, and that no other does."""
    series = {} if firing == "SchedulerAbsent" else {**healthy, **trouble}
    lines = ["- interval: 1m", "  input_series:"]
    for name, values in series.items():
        lines.append(f"  - {{series: '{_with_instance(name)}', values: '{values}'}}")
    lines.append("  promql_expr_test:")
    found = f"[{{labels: '{{alertname=\"{firing}\"}}', value: 1}}]" if firing else "[]"
    query = 'count by (alertname) (ALERTS{alertstate="firing"})'
    lines.append(f"  - {{expr: '{query}', eval_time: 50m, exp_samples: {found}}}")
    return "\n".join(lines).replace("input_series:\n  promql", "input_series: []\n  promql") + "\n"


def _with_instance(name: str) -> str:
    if "{" in name:
        return name.replace("{", '{instance="a", ')
    return f'{name}{{instance="a"}}'
