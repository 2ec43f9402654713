"""The envelope of a notification, and which tables describe what the topics carry in it.

Sources: Intercom's list of topics and its page on notifications, and payloads seen.
"""

ITEMS: dict[str, str] = {
    "contact.user.tag.created": "contact_tag",
    "contact.user.tag.deleted": "contact_tag",
    "contact.lead.tag.created": "contact_tag",
    "contact.lead.tag.deleted": "contact_tag",
    "contact.subscribed": "subscription",
    "contact.unsubscribed": "subscription",
    "granular.subscribe": "subscription",
    "granular.unsubscribe": "subscription",
    "contact.merged": "contact merged_contact",
    "contact.deleted": "deleted_contact",
    "visitor.signed_up": "unknown",
    "conversation.deleted": "deleted_conversation",
    # Documented as a part, and as a conversation with a contact; how these lie in the item is not.
    "conversation_part.redacted": "unknown",
    "conversation_part.tag.created": "unknown",
    "conversation.contact.attached": "unknown",
    "conversation.contact.detached": "unknown",
    "ticket.contact.replied": "ticket_reply",
    "ticket.admin.replied": "ticket_reply",
    # Documented as the ticket itself, as the replies are; those are known to wrap it.
    "ticket.admin.replied.translated": "ticket ticket_reply",
    "ticket.note.created": "ticket ticket_reply",
    "ticket.attribute.updated": "ticket wrapped_ticket",
    # Flat up to 2.14, wrapped from 2.15 on.
    "ticket.closed": "ticket wrapped_ticket",
    "ticket.contact.attached": "unknown",
    "ticket.contact.detached": "unknown",
    "ticket.rating.provided": "unknown",
}
"""Topics whose item is not simply the object of their kind: its tables, more than one where either may come.

`unknown` is no table: of these items nothing is known.
"""

TABLES: dict[str, str] = {
    "notification": """
type | text | always notification_event | notification_event
id | text | the notification's id, the same when it is sent again; null for a ping
topic | text | what happened, such as ticket.created
app_id | text | the workspace that it happened in
created_at | time | when Intercom made it: the same second as the action, or the next
first_sent_at | time | when it was first sent
delivery_attempts | integer | how often it was sent: 1, or 2 after a failure
delivery_status | text | how the delivery went; pending while it is under way | pending, ...
delivered_at | time | when it was delivered; 0 while it is under way
links | any | empty in every notification seen
self | text | the address of the subscription, mostly null
history | boolean | true where it is no notification, but an object of the past
data | object | what it carries
data.type | text | always notification_event_data | notification_event_data
""",
}
"""One table: what is around the item. `data.item` itself follows from the topic."""
