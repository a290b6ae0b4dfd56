"""`check`: configuration and environment, validated without starting anything."""

from scheduler.cli.context import Context
from scheduler.cli.environment import Finding, examine
from scheduler.config import Reading, read_config
from scheduler.errors import EXIT_FAILED, EXIT_OK, EXIT_USAGE, ConfigError
from scheduler.wording import plural


def check(context: Context) -> int:
    """Print all errors and, apart, all warnings.

    Exit 2 if the service would refuse to start, 1 if something around it is wrong.
    """
    try:
        reading = read_config(context.config_path, context.environ)
    except ConfigError as error:
        _print(context, [Finding(problem) for problem in error.problems], reading=None)
        return EXIT_USAGE
    findings = [Finding(text, is_error=False) for text in reading.warnings]
    findings += examine(reading.config)
    _print(context, findings, reading=reading)
    if any(finding.is_refusal for finding in findings):
        return EXIT_USAGE
    return EXIT_FAILED if any(finding.is_error for finding in findings) else EXIT_OK


def _print(context: Context, findings: list[Finding], *, reading: Reading | None) -> None:
    screen = context.screen
    errors = [finding.text for finding in findings if finding.is_error]
    warnings = [finding.text for finding in findings if not finding.is_error]
    if context.args.json:
        screen.json({"errors": errors, "warnings": warnings})
        return
    for text in errors:
        screen.line(f"{screen.paint('✗ error:', 'bad')} {text}")
    for text in warnings:
        screen.line(f"{screen.paint('! warning:', 'warn')} {text}")
    place = reading.config.path or "the environment" if reading else "the configuration"
    sign = screen.paint("✗", "bad") if errors else screen.paint("✓", "ok")
    counts = f"{plural(len(errors), 'error')}, {plural(len(warnings), 'warning')}"
    screen.line(f"{sign} {place}: {counts}")
