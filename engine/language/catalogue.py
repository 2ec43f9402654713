"""What Intercom documents of its notifications: the topics, and the keys of their objects.

Sources: the topic list and the object models of Intercom's API 2.9 to 2.16. Payloads bring more than
is documented, so this table warns; it never refuses.
"""


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set."""
    return frozenset(text.split())


TOPICS: dict[str, frozenset[str]] = {
    "contact": words(
        """
        contact.user.created contact.user.updated contact.user.tag.created contact.user.tag.deleted
        contact.lead.created contact.lead.updated contact.lead.signed_up contact.lead.added_email
        contact.lead.tag.created contact.lead.tag.deleted contact.email.updated contact.unsubscribed
        contact.subscribed contact.merged contact.deleted contact.archived contact.unarchive
        visitor.signed_up granular.subscribe granular.unsubscribe
        """
    ),
    "conversation": words(
        """
        conversation.user.created conversation.user.replied conversation.rating.added
        conversation.read conversation.admin.replied conversation.admin.replied.translated
        conversation.admin.closed conversation.admin.opened conversation.admin.assigned
        conversation.admin.open.assigned conversation.admin.noted conversation.admin.snoozed
        conversation.admin.unsnoozed conversation.admin.single.created conversation.operator.replied
        conversation.priority.updated conversation.contact.attached conversation.contact.detached
        conversation.company.updated conversation.deleted conversation_part.redacted
        conversation_part.tag.created
        """
    ),
    "ticket": words(
        """
        ticket.created ticket.state.updated ticket.contact.replied ticket.resolved ticket.closed
        ticket.note.created ticket.admin.assigned ticket.team.assigned ticket.contact.attached
        ticket.contact.detached ticket.attribute.updated ticket.admin.replied
        ticket.admin.replied.translated ticket.rating.provided ticket.admin.snoozed
        ticket.admin.unsnoozed
        """
    ),
}
"""Topics by the kind of object that they tell of."""

KEYS: dict[str, frozenset[str]] = {
    "conversation": words(
        """
        type id title created_at updated_at waiting_since snoozed_until open read state priority
        admin_assignee_id team_assignee_id company tags conversation_rating source contacts
        teammates first_contact_reply sla_applied statistics custom_attributes topics ticket
        linked_objects ai_agent ai_agent_participated channel sales_agent sales_agent_participated
        external_references conversation_parts
        """
    ),
    "ticket": words(
        """
        type id ticket_id category ticket_attributes ticket_state ticket_type contacts
        admin_assignee_id team_assignee_id created_at updated_at open snoozed_until linked_objects
        ticket_parts is_shared previous_ticket_state_id company_id channel
        """
    ),
    "contact": words(
        """
        type id workspace_id external_id role email email_domain phone formatted_phone name avatar
        owner_id social_profiles has_hard_bounced marked_email_as_spam unsubscribed_from_emails
        created_at updated_at signed_up_at last_seen_at last_replied_at last_contacted_at
        last_email_opened_at last_email_clicked_at language_override browser browser_version
        browser_language os location custom_attributes tags notes companies
        opted_out_subscription_types opted_in_subscription_types utm_campaign utm_content utm_medium
        utm_source utm_term referrer sms_consent unsubscribed_from_sms enabled_push_messaging
        """
    ),
}
"""The keys at the top of each object: a spec's own names must not hide them."""

HISTORY = {"conversations": "conversation", "tickets": "ticket", "contacts": "contact"}
"""What `history:` may say, and the `type` of the objects that are meant."""


def kind_of(topic: str) -> str:
    """`conversation`, `ticket` or `contact`; nothing for a topic that is not known."""
    return next((kind for kind, topics in TOPICS.items() if topic in topics), "")
