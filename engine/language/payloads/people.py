"""What in a payload tells of people, by kind: for the one who must answer for what is sent away."""

CUSTOMER, STAFF, AUTHOR, WRITTEN = "customer", "staff", "author", "written"

_PATHS = {
    CUSTOMER: {
        "contact": "id external_id email phone formatted_phone name avatar avatar.image_url"
        " social_profiles.data[].url location location.country location.region location.city referrer",
        "contact_ref": "id external_id",
        "deleted_contact": "id external_id",
        "merged_contact": "merged_from merged_from.id",
        "conversation": "source.recipients[].email source.url first_contact_reply.url",
    },
    STAFF: {"admin": "name email job_title avatar"},
    AUTHOR: {
        "author": "id name email",
        "conversation": "source.reply_to[].email source.reply_to[].name",
        "email_headers": "email_address_headers[].email_address email_address_headers[].name",
    },
    WRITTEN: {
        "conversation": "title conversation_rating.remark source.subject source.body"
        " source.email_message_metadata.history",
        "ai_agent": "rating_remark",
        "part": "body",
        "ticket": "ticket_attributes._default_title_ ticket_attributes._default_description_",
        "ticket_part": "body",
        "attachment": "name url",
        "email_headers": "subject",
        "company": "notes.notes[].body",
    },
}

ABOUT: dict[tuple[str, str], str] = {
    (table, path): about
    for about, tables in _PATHS.items()
    for table, paths in tables.items()
    for path in paths.split()
}
"""By table and path. `customer` names one, `staff` a teammate, `author` either; `written` people wrote."""
