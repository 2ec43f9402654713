"""The tables, for every database alike. What only SQLite knows is in `sqlite`.

Times are seconds since 1970 by the engine's own clock, in UTC. What a table holds of customers is compressed
and has a checksum; ids, states and reasons are plain, so that they can be counted.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    UniqueConstraint,
    func,
    text,
)

VERSION = 1
"""Of this schema. Older ones are brought up to it (`migrations`), newer ones are refused."""

Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts rows up in a plain INTEGER alone

metadata = MetaData()

meta = Table(
    "meta",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)
"""What is true of the whole ledger: the version of its schema, and the key of its digests."""

inbox = Table(
    "inbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("workspace", String, nullable=False),
    Column("notification", String, nullable=False),
    Column("topic", String, nullable=False),
    Column("contacts", String, nullable=False, server_default=""),
    Column("created_at", Float),
    Column("received_at", Float, nullable=False),
    Column("raw", LargeBinary),
    Column("checksum", LargeBinary),
    Column("state", String, nullable=False),
    Column("reason", String, nullable=False, server_default=""),
    Column("made", String, nullable=False, server_default="{}"),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("first_try_at", Float),
    Column("not_before", Float, nullable=False, server_default="0"),
    Column("settled_at", Float),
    UniqueConstraint("workspace", "notification"),
)
"""Notifications as they came: `received`, then `translated` or `skipped`. `made` counts what came of one, as
JSON: `{"queued": 1, "before_cut_off": 3}`. `raw` is empty once it is no longer kept. `contacts` are the
ids of those whom it tells of, each between blanks."""

outbox = Table(
    "outbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account", String, nullable=False),
    Column("metric", String, nullable=False),
    Column("unique_id", String, nullable=False),
    Column("key", LargeBinary, nullable=False, unique=True),
    Column("inbox_id", Id, nullable=False),
    Column("contact", String, nullable=False, server_default=""),
    Column("spec", String, nullable=False, server_default=""),
    Column("spec_hash", String, nullable=False, server_default=""),
    Column("time", Float),
    Column("state", String, nullable=False),
    Column("reason", String, nullable=False, server_default=""),
    Column("detail", String, nullable=False, server_default=""),
    Column("pointer", String, nullable=False, server_default=""),
    Column("body", LargeBinary),
    Column("checksum", LargeBinary),
    Column("is_uncertain", Boolean, nullable=False, server_default=text("0")),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("attempt", Id),
    Column("first_try_at", Float),
    Column("not_before", Float, nullable=False, server_default="0"),
    Column("made_at", Float, nullable=False),
    Column("settled_at", Float),
)
"""Events: `parked`, `queued`, `in_flight`, `accepted`, `dead` or `skipped`. `body` is the request as it goes
out, but for its `backfill`. `is_uncertain` says that it may have reached Klaviyo already."""

changed_at = func.coalesce(outbox.c.settled_at, outbox.c.made_at)
"""When something became of an event last."""

profiles = Table(
    "profiles",
    metadata,
    Column("account", String, primary_key=True),
    Column("contact", String, primary_key=True),
    Column("name", String, nullable=False, server_default=""),
    Column("spec_hash", String, nullable=False, server_default=""),
    Column("updated_at", Float, nullable=False),
    Column("told_at", Float, nullable=False),
    Column("inbox_id", Id),
    Column("state", String, nullable=False),
    Column("reason", String, nullable=False, server_default=""),
    Column("detail", String, nullable=False, server_default=""),
    Column("pointer", String, nullable=False, server_default=""),
    Column("body", LargeBinary),
    Column("checksum", LargeBinary),
    Column("digest", LargeBinary),
    Column("delivered", LargeBinary),
    Column("klaviyo_id", String, nullable=False, server_default=""),
    Column("merged_into", String, nullable=False, server_default=""),
    Column("deleted_at", Float),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("attempt", Id),
    Column("first_try_at", Float),
    Column("not_before", Float, nullable=False, server_default="0"),
    Column("made_at", Float, nullable=False),
    Column("settled_at", Float),
)
"""The newest state of each contact. `updated_at` is Intercom's, `told_at` breaks ties; `digest` is that of
the body, `delivered` that of the last one Klaviyo took."""

keys = Table("keys", metadata, Column("key", LargeBinary, primary_key=True))
"""Events that are settled and no longer kept: known again for ever."""

attempts = Table(
    "attempts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("account", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("items", Integer, nullable=False),
    Column("began_at", Float, nullable=False),
    Column("ended_at", Float),
    Column("accepted", Integer, nullable=False, server_default="0"),
    Column("waiting", Integer, nullable=False, server_default="0"),
    Column("refused", Integer, nullable=False, server_default="0"),
    Column("reason", String, nullable=False, server_default=""),
)
"""Each time that some rows were sent: written down before anything leaves."""

accounts = Table(
    "accounts",
    metadata,
    Column("account", String, primary_key=True),
    Column("paused", String, nullable=False, server_default=""),
    Column("paused_at", Float),
    Column("not_before", Float, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
)
"""Klaviyo's accounts, and their queues where these fail by themselves (`klaviyo profiles`): `paused` says why
a person is needed, `not_before` when to try again."""

limits = Table(
    "limits",
    metadata,
    Column("account", String, primary_key=True),
    Column("endpoint", String, primary_key=True),
    Column("slots", String, nullable=False, server_default="{}"),
    Column("asked_until", Float, nullable=False, server_default="0"),
    Column("full_until", Float, nullable=False, server_default="0"),
)
"""How much of each of Klaviyo's windows is used, by all processes together."""

leases = Table(
    "leases",
    metadata,
    Column("name", String, primary_key=True),
    Column("owner", String, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("until", Float, nullable=False),
)
"""Who alone may do something; `fence` grows with each new holder."""

cursors = Table(
    "cursors",
    metadata,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)
"""How far something has come, and what is set once: such as the cut-off of a workspace."""

counters = Table(
    "counters",
    metadata,
    Column("day", Integer, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("reason", String, primary_key=True),
    Column("count", Integer, nullable=False),
)
"""What happened, by days since 1970. `kind` is `topic`, with one as `name`, or an outcome, with a metric."""

Index(
    "inbox_waiting",
    inbox.c.state,
    inbox.c.not_before,
)
Index("inbox_by_time", inbox.c.received_at)
Index(
    "outbox_due",
    outbox.c.account,
    outbox.c.is_uncertain,
    outbox.c.not_before,
    sqlite_where=outbox.c.state == "queued",
    postgresql_where=outbox.c.state == "queued",
)
Index("outbox_by_state", outbox.c.state, outbox.c.metric)
Index("outbox_by_contact", outbox.c.contact)
Index("outbox_by_inbox", outbox.c.inbox_id)
Index("outbox_by_change", changed_at)
Index(
    "inbox_kept",
    inbox.c.settled_at,
    inbox.c.contacts,
    sqlite_where=inbox.c.raw.is_not(None),
    postgresql_where=inbox.c.raw.is_not(None),
)
Index("profiles_by_inbox", profiles.c.inbox_id)
Index("attempts_by_time", attempts.c.began_at)
Index("profiles_by_state", profiles.c.state, profiles.c.not_before, profiles.c.made_at)


def create(tx: Connection) -> None:
    """Make all tables, in the transaction that is given."""
    metadata.create_all(tx)
