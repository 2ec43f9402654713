"""intercom-klaviyo: YAML specs turn every Intercom event into its Klaviyo metric.

from engine import Runner, Translation, load

runner = Runner(load("mappings"), records="records.yaml")
results = runner.translate(body)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.errors import EngineError, SpecError, Unreadable
    from engine.events import Notification, Parked, Request, Skipped, Translation
    from engine.folder import load
    from engine.issues import Issue, Place
    from engine.language.plan import Plan
    from engine.language.spec import Spec
    from engine.runner import Runner

# Where each public name lives. Imported when first asked for: a command line that only shows its help
# should not wait for Jinja and its like.
_HOMES = {
    "EngineError": "engine.errors",
    "Issue": "engine.issues",
    "Notification": "engine.events",
    "Parked": "engine.events",
    "Place": "engine.issues",
    "Plan": "engine.language.plan",
    "Request": "engine.events",
    "Runner": "engine.runner",
    "Skipped": "engine.events",
    "Spec": "engine.language.spec",
    "SpecError": "engine.errors",
    "Translation": "engine.events",
    "Unreadable": "engine.errors",
    "load": "engine.folder",
}

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


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
