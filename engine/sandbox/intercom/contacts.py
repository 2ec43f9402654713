"""Contacts as the API writes them, in the shape of 2.16."""

from collections.abc import Sequence

from engine.sandbox.intercom.truth import Contact
from engine.sandbox.intercom.versions import Object
from engine.sandbox.intercom.view import View

MOST_LISTED = 10
"""How many tags and companies a contact itself names."""
_NEVER_KNOWN = (
    "android_app_name", "android_app_version", "android_device", "android_os_version", "android_sdk_version",
    "android_last_seen_at", "ios_app_name", "ios_app_version", "ios_device", "ios_os_version",
    "ios_sdk_version", "ios_last_seen_at",
)  # fmt: skip
_NO_CAMPAIGN = ("utm_campaign", "utm_content", "utm_medium", "utm_source", "utm_term", "referrer")


def contact(view: View, one: Contact) -> Object:
    """A contact as REST has it."""
    known = one.browser is not None
    return {
        "type": "contact",
        "id": one.id,
        "workspace_id": view.workspace.app_id,
        "external_id": one.external_id,
        "role": one.role,
        "email": one.email,
        "email_domain": one.email.partition("@")[2] if one.email else None,
        "phone": one.phone,
        "name": one.name,
        "avatar": {"type": "avatar", "image_url": one.avatar} if one.avatar else None,
        "owner_id": one.owner_id or None,
        "social_profiles": {"type": "list", "data": []},
        "has_hard_bounced": one.has_bounced,
        "marked_email_as_spam": one.is_spam,
        "unsubscribed_from_emails": one.is_unsubscribed,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
        "signed_up_at": one.signed_up_at,
        "last_seen_at": one.seen_at,
        "last_replied_at": one.replied_at,
        "last_contacted_at": one.contacted_at,
        "last_email_opened_at": None,
        "last_email_clicked_at": None,
        "language_override": None,
        "browser": one.browser,
        "browser_version": "141.0" if known else None,
        "browser_language": one.language,
        "os": "Windows 11" if known else None,
        "location": _location(one),
        **dict.fromkeys(_NEVER_KNOWN),
        "custom_attributes": dict(one.custom),
        "tags": _listed(one, "tags", "tag", "/tags", [tagging.tag_id for tagging in one.tags]),
        "notes": _listed(one, "notes", "note", "/notes", []),
        "companies": _listed(one, "companies", "company", "/companies", one.company_ids),
        "opted_out_subscription_types": _subscribed(one, one.opted_out),
        "opted_in_subscription_types": _subscribed(one, one.opted_in),
        **dict.fromkeys(_NO_CAMPAIGN),
        "sms_consent": False,
        "unsubscribed_from_sms": False,
        "enabled_push_messaging": None,
    }


def tags(view: View, one: Contact) -> Object:
    """All tags of a contact, with their names."""
    names = view.workspace.office.tags
    rows = [
        {**names[tag.tag_id], "applied_at": tag.at, "applied_by": {"type": "admin", "id": tag.admin_id}}
        for tag in one.tags
    ]
    return {"type": "list", "data": rows}


def subscriptions(view: View, one: Contact) -> Object:
    """What a contact has chosen for themselves."""
    chosen = (*one.opted_out, *one.opted_in)
    return {"type": "list", "data": [dict(view.workspace.office.subscriptions[key]) for key in chosen]}


def _location(one: Contact) -> Object:
    country, region, city, code = one.place or (None, None, None, None)
    return {
        "type": "location",
        "country": country,
        "region": region,
        "city": city,
        "country_code": code,
        "continent_code": "EU" if code else None,
    }


def _listed(one: Contact, what: str, kind: str, folder: str, ids: Sequence[str]) -> Object:
    rows = [{"id": key, "type": kind, "url": f"{folder}/{key}"} for key in ids[:MOST_LISTED]]
    return {
        "type": "list",
        "data": rows,
        "url": f"/contacts/{one.id}/{what}",
        "total_count": len(ids),
        "has_more": len(ids) > MOST_LISTED,
    }


def _subscribed(one: Contact, ids: Sequence[str]) -> Object:
    return _listed(one, "subscriptions", "subscription", "/subscription_types", ids)
