"""What is known of contacts, as notifications and look-ups give them, and of the items that wrap one.

Sources: Intercom's object models of API 2.9 to 2.16, and payloads seen. Paths and values are those of the
one shape that specs see.
"""

_LIST = """
{0}.type | text | always list | list
{0}.url | text | where the API has all of them
{0}.total_count | integer | how many in all
{0}.has_more | boolean | whether there are more than this list holds
{0}.data | list | at most 10, ids only
"""
"""What all short lists of a contact have."""

TABLES: dict[str, str] = {
    "contact": f"""
type | text | always contact | contact
id | text | the contact's id in Intercom
external_id | text | its id in your own system; a lead has one made up by Intercom
workspace_id | text | the workspace that it belongs to
role | text | whether it is a user or still a lead | user, lead
email | text | the e-mail address; blank or null for anonymous leads
email_domain | text | what follows the @; only in look-ups
phone | text | the phone number as it was typed; often no valid one
formatted_phone | text | the number in E.164; only in look-ups of some versions
name | text | first and last name in one; leads may have a made-up one
avatar | object | the picture; null where there is none
avatar.type | text | always avatar | avatar
avatar.image_url | text | address of the picture
owner_id | text | id of the teammate who owns the contact
social_profiles | object | profiles elsewhere
social_profiles.type | text | always list | list
social_profiles.data | list | one entry a profile
social_profiles.data[].type | text | always social_profile | social_profile
social_profiles.data[].name | text | name of the network
social_profiles.data[].url | text | address of the profile
has_hard_bounced | boolean | whether an e-mail to the address came back for good
marked_email_as_spam | boolean | whether they marked an e-mail as spam
unsubscribed_from_emails | boolean | whether they unsubscribed from all e-mails
unsubscribed_from_sms | boolean | whether they unsubscribed from text messages; undocumented
sms_consent | boolean | whether they agreed to text messages; undocumented
enabled_push_messaging | boolean | whether they allow push messages; undocumented
created_at | time | when Intercom first knew the contact
updated_at | time | when anything about it last changed
signed_up_at | time | when they signed up; null for leads
last_seen_at | time | when they were last on the site or in the app
last_replied_at | time | when they last wrote
last_contacted_at | time | when they were last written to
last_email_opened_at | time | when they last opened an e-mail
last_email_clicked_at | time | when they last clicked a link in an e-mail
language_override | text | the language chosen for them, such as de; mostly null
browser | text | the browser, such as chrome
browser_version | text | its version
browser_language | text | its language, such as de-AT
os | text | the operating system
location | object | where they last were, by their IP address
location.type | text | always location | location
location.country | text | the country's name
location.region | text | the region's name
location.city | text | the city's name
location.country_code | text | the country in three letters, such as SWE; undocumented
location.continent_code | text | the continent in two letters, such as EU; undocumented
android_app_name | text | your app on Android
android_app_version | text | its version
android_device | text | the device
android_os_version | text | version of Android
android_sdk_version | text | version of Intercom's part of the app
android_last_seen_at | time | when they last used it
ios_app_name | text | your app on iOS
ios_app_version | text | its version
ios_device | text | the device
ios_os_version | text | version of iOS
ios_sdk_version | text | version of Intercom's part of the app
ios_last_seen_at | time | when they last used it
custom_attributes | map | what you store about contacts, by the attribute's name
tags | object | their tags, without the names: look them up
{_LIST.format("tags").strip()}
tags.data[] | address | a tag
notes | object | notes by teammates
{_LIST.format("notes").strip()}
notes.data[] | address | a note
companies | object | the companies that they belong to
{_LIST.format("companies").strip()}
companies.data[] | address | a company
opted_out_subscription_types | object | kinds of messages they opted out of; empty where it is all
{_LIST.format("opted_out_subscription_types").strip()}
opted_out_subscription_types.data[] | address | a kind of message
opted_in_subscription_types | object | kinds of messages they opted into; undocumented
{_LIST.format("opted_in_subscription_types").strip()}
opted_in_subscription_types.data[] | address | a kind of message
utm_campaign | text | campaign that first brought them; undocumented
utm_content | text | content of that campaign; undocumented
utm_medium | text | medium of that campaign; undocumented
utm_source | text | source of that campaign; undocumented
utm_term | text | search term of that campaign; undocumented
referrer | text | page that first brought them; undocumented
""",
    "address": """
type | text | what it is | tag, note, company, subscription, ...
id | text | its id
url | text | where the API has it
""",
    "contact_tag": """
type | text | always contact_tag | contact_tag
tag | tag | the tag that was put on or taken off
contact | contact | the contact; its own tags have no names
created_at | time | when it was tagged; may be missing
""",
    "subscription": """
type | text | what they did, such as contact_unsubscribe | contact_unsubscribe, ...
contact | contact | the contact
created_at | time | when they did it
subscription_types | object | the kinds of messages; empty where it is all e-mail
subscription_types.type | text | always list | list
subscription_types.data | list | one entry a kind
subscription_types.data[] | subscription_type | a kind of message
""",
    "subscription_type": """
type | text | always subscription | subscription
id | text | its id
state | text | whether it is in use | live, draft, archived
consent_type | text | whether people get it until they opt out, or once they opt in | opt_out, opt_in
default_translation | translation | its name in the first language
translations | list | its name in every language
translations[] | translation | its name in one language
content_types | list | how it is sent
content_types[] | text | one way | email, sms_message, ...
""",
    "translation": """
name | text | the name
description | text | what it is about
locale | text | the language, such as en
""",
    "merged_contact": """
merged_from | object | the contact that is gone; missing up to the middle of 2026
merged_from.type | text | always contact | contact
merged_from.id | text | its id
""",
    "deleted_contact": """
type | text | always contact | contact
id | text | id of the contact that was deleted
external_id | text | its id in your own system
deleted | boolean | always true
""",
}
"""Contacts; `contact_tag` and `subscription` are items that have the contact inside.

`merged_contact` is what `contact.merged` has beside the contact that remains.
"""
