"""Metrics for Prometheus: what a process did, and how the fleet stands.

`ProcessTally` counts in the process that did it; `FleetGauges` reads Redis when it is asked, so every process
that is scraped tells the same of the fleet: take `max` over them, not `sum`. A registry takes both.
No label holds an address, a host or a text; label values are known beforehand and there from the start.
"""

from tasks.metrics.fleet_gauges import FleetGauges
from tasks.metrics.process_tally import ProcessTally

__all__ = ["FleetGauges", "ProcessTally"]
