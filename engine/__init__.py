"""intercom-klaviyo: YAML specs turn every Intercom event into its Klaviyo metric.

from engine import Runner, Translation, load

runner = Runner(load("mappings"), records="records.yaml")
results = runner.translate(body)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.errors import Denied, EngineError, Rejected, SpecError, Unavailable, Unreadable
    from engine.events import Accepted, Delivery, Notification, Parked, Request, Skipped, Translation
    from engine.folder import load
    from engine.intercom.client import Intercom
    from engine.issues import Issue, Place
    from engine.klaviyo.client import Klaviyo
    from engine.language.plan import Plan
    from engine.language.spec import Spec
    from engine.runner import Runner

# Where each public name lives. Imported when first asked for: a command line that only shows its help
# should not wait for Jinja and its like.
_HOMES = {
    "Accepted": "engine.events",
    "Delivery": "engine.events",
    "Denied": "engine.errors",
    "EngineError": "engine.errors",
    "Intercom": "engine.intercom.client",
    "Issue": "engine.issues",
    "Klaviyo": "engine.klaviyo.client",
    "Notification": "engine.events",
    "Parked": "engine.events",
    "Place": "engine.issues",
    "Plan": "engine.language.plan",
    "Rejected": "engine.errors",
    "Request": "engine.events",
    "Runner": "engine.runner",
    "Skipped": "engine.events",
    "Spec": "engine.language.spec",
    "SpecError": "engine.errors",
    "Translation": "engine.events",
    "Unavailable": "engine.errors",
    "Unreadable": "engine.errors",
    "load": "engine.folder",
}

__all__ = [
    "Accepted",
    "Delivery",
    "Denied",
    "EngineError",
    "Intercom",
    "Issue",
    "Klaviyo",
    "Notification",
    "Parked",
    "Place",
    "Plan",
    "Rejected",
    "Request",
    "Runner",
    "Skipped",
    "Spec",
    "SpecError",
    "Translation",
    "Unavailable",
    "Unreadable",
    "load",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
