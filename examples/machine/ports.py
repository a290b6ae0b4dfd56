"""Which well-known services listen on this machine? All ports are tried at the same time."""

import asyncio
import json
from datetime import timedelta

from places import data_file

from scheduler import schedule

SERVICES = {22: "ssh", 25: "smtp", 53: "dns", 80: "http", 443: "https", 3306: "mysql"}
SERVICES |= {5432: "postgresql", 6379: "redis", 8000: "http", 8080: "http"}


@schedule(timedelta(seconds=30))
async def survey_ports() -> list[int]:
    """Write the open ports among ten well-known ones to data/ports.json."""
    answers = await asyncio.gather(*(_is_open(port) for port in SERVICES))
    found = [port for port, is_open in zip(SERVICES, answers, strict=True) if is_open]
    listening = {port: SERVICES[port] for port in found}
    data_file("ports.json").write_text(json.dumps(listening, indent=2) + "\n")
    print(", ".join(f"{port} ({service})" for port, service in listening.items()) or "none open")
    return found


async def _is_open(port: int) -> bool:
    try:
        async with asyncio.timeout(1):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True
