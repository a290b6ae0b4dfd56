"""The doorbell of the tickers: rung when something became due that no tick foresaw."""

from pathlib import Path
from tempfile import gettempdir

from scheduler.config import Config
from scheduler.doorbell import Doorbell


def ticker_bell(config: Config) -> Doorbell:
    """Open the bell that wakes a ticker of this installation on this machine."""
    folder = Path(gettempdir()) if config.database_url else config.db_path.parent
    return Doorbell(folder / f"{config.db_path.name}.ticker.bell")
