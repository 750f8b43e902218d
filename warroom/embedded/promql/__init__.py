"""PromQL as Prometheus 3 has it, evaluated on numpy: `Engine` over a `SeriesStore`."""

from warroom.embedded.promql.engine import Engine
from warroom.embedded.promql.errors import PromqlError

__all__ = ["Engine", "PromqlError"]
