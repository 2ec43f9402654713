"""intercom-klaviyo: YAML specs turn every Intercom event into its Klaviyo metric.

from engine import Runner, Translation, load

runner = Runner(load("mappings"), records="records.yaml")
results = runner.translate(body)
"""

from engine.errors import EngineError, SpecError, Unreadable
from engine.events import Notification, Parked, Request, Skipped, Translation
from engine.folder import load
from engine.issues import Issue, Place
from engine.language.plan import Plan
from engine.language.spec import Spec
from engine.runner import Runner

__all__ = [
    "EngineError",
    "Issue",
    "Notification",
    "Parked",
    "Place",
    "Plan",
    "Request",
    "Runner",
    "Skipped",
    "Spec",
    "SpecError",
    "Translation",
    "Unreadable",
    "load",
]
