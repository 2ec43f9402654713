"""A spec made ready to run: what the rest of the engine knows of the language."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.events import Notification, Result
from engine.language.reference import Run, Wanted
from engine.language.spec import Spec
from engine.ports import Known

if TYPE_CHECKING:
    from engine.language.explanation import Explanation


@dataclass(frozen=True, slots=True)
class Plan:
    """What a spec can do. Another executor may stand behind the same four names."""

    spec: Spec

    @property
    def name(self) -> str:
        """The metric's name in Klaviyo, or the name of a profile mapping."""
        return self.spec.name

    @property
    def hash(self) -> str:
        """Changes with any character of the spec's files; travels with every translation."""
        return self.spec.hash

    def waits_for(self, identifiers: Collection[str]) -> frozenset[str]:
        """The tables without whose records its events cannot be made as they should be.

        Behind `when`, `each`, the time and the id, what is `required`, and the *identifiers* of the profile.
        """
        spec = self.spec
        fields = (*spec.profile, *spec.properties)
        vital = [one.value for one in fields if one.value.required]
        vital += [one.value for one in spec.profile if one.name in identifiers]
        vital += [condition.path for condition in spec.conditions]
        vital += [value for value in (spec.time, spec.unique_id) if value]
        vital += [spec.each.value] if spec.each else []
        needed = set().union(*(value.reads for value in vital))
        tables = set()
        for name in reversed(spec.names):
            if name.name in needed:
                needed |= name.value.reads
                tables.add(name.table)
        return frozenset(tables - {""})

    def reads_tags(self, table: str = "") -> bool:
        """Whether it reads the tags of its item, or of what it looks up in a table."""
        # Imported here: only where Intercom has cut a list of tags.
        from engine.language.places import reads_of

        reads = reads_of(self.spec)
        owners = [(name.name,) for name in self.spec.names if name.table == table] if table else [()]
        return any(
            owner in reads.taken or any(steps[: len(owner) + 1] == (*owner, "tags") for steps in all_)
            for owner in owners
            for all_ in (reads.taken, reads.tested)
        )

    def needs(self, notification: Notification, known: Known, *, every: bool = False) -> Wanted:
        """Ids by table that its events need and *known* does not hold; empty when all is there.

        Ask again after each round: an id may stand in another record.
        """
        return Run(self.spec, notification, known).needs(every=every)

    def translate(self, notification: Notification, known: Known, *, every: bool = False) -> list[Result]:
        """The events or the profile that come of a notification; never raises on what it holds.

        *known* holds records by (table, id): None says that Intercom has none, and an id that is not
        in it gives no value. *every* asks for each element of `each`, whatever its time.
        """
        return Run(self.spec, notification, known).results(every=every)

    def explain(
        self, notification: Notification, known: Known, *, every: bool = False
    ) -> "list[Explanation]":
        """The same as `translate`, with where each value came from."""
        # Imported here: translating needs none of it.
        from engine.language.explanation import explain

        return explain(self.spec, notification, known, every=every)
