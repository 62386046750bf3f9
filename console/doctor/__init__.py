"""The doctor: what is wrong with this installation, why it matters, and the command that mends it.

Facts are gathered at the rim (`gathering`), each part by itself, so that one that cannot be had hides no
other. Rules are pure: from facts to findings, a module for each part. Command line and page show the same.
"""

from console.doctor.diagnosis import diagnose
from console.doctor.facts import Facts
from console.doctor.finding import Finding, Level, worst
from console.doctor.gathering import gather

__all__ = ["Facts", "Finding", "Level", "diagnose", "gather", "worst"]
