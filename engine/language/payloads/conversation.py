"""What is known of conversations, their parts, and what both share with other objects.

Sources: Intercom's object models of API 2.9 to 2.16, and payloads seen. Paths and values are those of the
one shape that specs see.
"""

TABLES: dict[str, str] = {
    "conversation": """
type | text | always conversation | conversation
id | text | the conversation's id, digits; unique in the workspace only
title | text | its title; blank or null where it has none
created_at | time | when it began
updated_at | time | when anything about it last changed
waiting_since | time | since when the customer waits for an answer; null while nobody waits
snoozed_until | time | when it opens again; null where it is not snoozed
open | boolean | whether it is open; false where it is closed
state | text | whether it is open, closed or snoozed | open, closed, snoozed
read | boolean | whether the customer has read what was last written
priority | text | up to 2.15 priority or not_priority, from 2.16 a level |
 none, low, medium, high, urgent, priority, not_priority
admin_assignee_id | integer | id of the teammate it is assigned to; null for nobody
team_assignee_id | integer | id of the team it is assigned to; null for none
company | company | the company that it belongs to (from 2.15)
tags | object | its tags; the tags of single parts are with the parts
tags.type | text | always tag.list | tag.list
tags.tags | list | one entry a tag
tags.tags[] | applied_tag | a tag, with who applied it
conversation_rating | object | the rating by the customer; null until one is asked for
conversation_rating.rating | integer | 1 (worst) to 5; null where it was asked for and not given
conversation_rating.remark | text | what the customer wrote beside it
conversation_rating.created_at | time | when the rating was asked for, not when it was given
conversation_rating.updated_at | time | when the rating or its remark came (from 2.14)
conversation_rating.contact | contact_ref | who rated
conversation_rating.teammate | reference | the teammate who was rated
source | object | the message that it began with
source.type | text | where it was written |
 conversation, email, facebook, instagram, phone_call, phone_switch, push, sms, twitter, whatsapp, ...
source.id | text | id of that message; no id of a part
source.delivered_as | text | who began it: the customer, a teammate, a bot or a campaign |
 customer_initiated, admin_initiated, operator_initiated, automated, campaigns_initiated, ...
source.subject | text | subject of an e-mail; mostly blank elsewhere
source.body | text | what was written: text from 2.15 on, HTML before and in history
source.author | author | who wrote it; a bot or teammate where we began it
source.author.from_ai_agent | boolean | whether Fin sent it (2.14 and 2.15)
source.author.is_ai_answer | boolean | whether Fin made it up as an answer (2.14 and 2.15)
source.attachments | list | files with it
source.attachments[] | attachment | a file
source.url | text | page it was written on; null for e-mail and bots
source.redacted | boolean | whether its text was removed
source.recipients | list | to whom the e-mail went (from 2.16, e-mail only)
source.recipients[].type | text | to, cc or bcc | to, cc, bcc, ...
source.recipients[].email | text | the address
source.recipients[].drop_reason | text | why nothing was sent there; null where it was
source.reply_to | list | where answers to the e-mail go (from 2.16, e-mail only)
source.reply_to[].email | text | the address
source.reply_to[].name | text | the name beside it
source.email_message_metadata | email_headers | the e-mail itself, where it was one
source.email_message_metadata.history | text | HTML of what the e-mail quoted
contacts | object | the customers in it: one, or more in a group conversation
contacts.type | text | always contact.list | contact.list
contacts.contacts | list | one entry a customer, ids only
contacts.contacts[] | contact_ref | a customer; the rest of it is a look-up
teammates | object | the teammates who wrote in it
teammates.type | text | always admin.list | admin.list
teammates.admins | list | one entry a teammate, ids only
teammates.admins[] | reference | a teammate
first_contact_reply | object | the customer's first message; null where none has come
first_contact_reply.created_at | time | when it came
first_contact_reply.type | text | where it was written, as source.type
first_contact_reply.url | text | page it was written on
sla_applied | object | the SLA; null where none applies
sla_applied.type | text | always conversation_sla_summary | conversation_sla_summary
sla_applied.sla_name | text | its name
sla_applied.sla_status | text | null once one was removed; missed is told at the next reply |
 hit, missed, cancelled, active
statistics | statistics | its counts, times and durations; null where the customer never wrote
custom_attributes | map | what people and workflows filled in, by the attribute's name
topics | object | the subjects that Intercom recognized in it
topics.type | text | always topic.list | topic.list
topics.topics | list | one entry a subject
topics.topics[] | any | a subject
topics.total_count | integer | how many
ticket | any | filled where the conversation is a ticket too, else null
linked_objects | linked_objects | tickets and conversations that it is linked to
ai_agent_participated | boolean | whether Fin took part
ai_agent | ai_agent | what Fin did; null where it took no part
channel | object | where it goes on (from 2.16); null where that is not known
channel.initial | text | where it began | messenger, email, twitter, zendesk_ticket, zendesk_sunshine, ...
channel.current | text | where it is now | messenger, email, twitter, zendesk_ticket, zendesk_sunshine, ...
sales_agent_participated | boolean | whether the Sales Agent took part (from 2.16)
sales_agent | object | what the Sales Agent did (from 2.16); null where it took no part
sales_agent.outcome | text | what it found out |
 qualified, disqualified, product_discovery, escalated_to_support, spam, ...
sales_agent.routing_outcome | text | id of the route that it chose
sales_agent.collected_data | map | what it asked for, by the names that you gave
external_references | list | the same case in another helpdesk (from 2.16)
external_references[].type | text | which system, such as zendesk_ticket
external_references[].id | text | its id there
conversation_parts | object | in a notification the parts that it tells of, not all of them
conversation_parts.type | text | always conversation_part.list | conversation_part.list
conversation_parts.conversation_parts | list | those parts; in history the newest 500
conversation_parts.conversation_parts[] | part | a message, a note or an event
conversation_parts.total_count | integer | length of this list; all: count_conversation_parts
""",
    "statistics": """
type | text | always conversation_statistics | conversation_statistics
time_to_assignment | integer | seconds to the last assignment before the first answer
time_to_admin_reply | integer | seconds to the first answer, office hours only
time_to_first_close | integer | seconds to the first close, office hours only
time_to_last_close | integer | seconds to the last close, office hours only
median_time_to_reply | integer | seconds to an answer, the median, office hours only
first_contact_reply_at | time | when the customer first wrote; most of the rest counts from here
first_assignment_at | time | when it was first assigned
first_admin_reply_at | time | when a teammate first answered
first_close_at | time | when it was first closed
last_assignment_at | time | when it was last assigned
last_assignment_admin_reply_at | time | when a teammate first answered after the last assignment
last_contact_reply_at | time | when the customer last wrote
last_admin_reply_at | time | when a teammate last answered
last_close_at | time | when it was last closed
last_closed_by_id | text | id of the teammate who last closed it
count_reopens | integer | how often it was opened again
count_assignments | integer | how often it was assigned
count_conversation_parts | integer | how many messages, notes and events it has in all
assigned_team_first_response_time | list | the first answer of each team (from 2.12)
assigned_team_first_response_time[] | response_time | of one team
assigned_team_first_response_time_in_office_hours | list | the same, office hours only (from 2.14)
assigned_team_first_response_time_in_office_hours[] | response_time | of one team
handling_time | integer | seconds from assignment to close (from 2.14)
adjusted_handling_time | integer | the same without the time nobody worked on it (from 2.15)
""",
    "response_time": """
team_id | integer | id of the team
team_name | text | its name; the only team's name in a notification
response_time | integer | seconds to its first answer
""",
    "ai_agent": """
source_type | text | what brought Fin in |
 essentials_plan_setup, profile, workflow, workflow_preview, fin_preview, ...
source_title | text | name of the workflow or profile; may be null
last_answer_type | text | kind of its last answer; null where it gave none | ai_answer, custom_answer, ...
resolution_state | text | how it ended for Fin; the words changed with 2.15 |
 assumed_resolution, confirmed_resolution, escalated, negative_feedback, procedure_handoff,
 routed_to_team, abandoned, ...
rating | integer | the rating of Fin, 1 (worst) to 5; apart from conversation_rating
rating_remark | text | what the customer wrote beside it
created_at | time | when Fin was rated (from 2.14)
updated_at | time | when that rating last changed (from 2.14)
content_sources | object | what Fin answered from
content_sources.type | text | always content_source.list | content_source.list
content_sources.total_count | integer | how many
content_sources.content_sources | list | one entry a source
content_sources.content_sources[].content_type | text | kind of source |
 file, article, external_content, content_snippet, workflow_connector_action, ...
content_sources.content_sources[].url | text | where teammates find it in Intercom
content_sources.content_sources[].title | text | its title
content_sources.content_sources[].locale | text | its language, such as en
""",
    "part": """
type | text | always conversation_part | conversation_part
id | text | the part's id; unique in the workspace only
part_type | text | what it is; new ones come, so compare with starts_with |
 comment, note, note_and_reopen, quick_reply, assignment, assign_and_reopen, assign_and_unsnooze,
 away_mode_assignment, open, close, snoozed, unsnoozed, timer_unsnooze, participant_added,
 participant_removed, conversation_rating_changed, conversation_rating_remark_added,
 conversation_attribute_updated_by_admin, conversation_attribute_updated_by_user,
 conversation_attribute_updated_by_workflow, conversation_tags_updated, priority_changed,
 title_changed, custom_action_started, custom_action_finished, operator_workflow_event, ...
body | text | what was written: text from 2.15 on, HTML before; null for events
created_at | time | when it was written or happened
updated_at | time | when it last changed
notified_at | time | when the customer was told of it
assigned_to | reference | whom it assigned to; null where it assigned nothing
author | author | who wrote or did it
author.from_ai_agent | boolean | whether Fin sent it (from 2.14)
author.is_ai_answer | boolean | whether Fin made it up as an answer (from 2.14)
attachments | list | files with it
attachments[] | attachment | a file
external_id | text | the id that your own system gave it
redacted | boolean | whether its text was removed
metadata | object | quick replies, where it offers or takes one
metadata.quick_reply_options | list | the quick replies that it offers
metadata.quick_reply_options[].text | text | what the button says
metadata.quick_reply_options[].uuid | text | id of the button
metadata.quick_reply_options[].translations | map | what the button says, by language
metadata.quick_reply_uuid | text | id of the button that the customer pressed
email_message_metadata | email_headers | the e-mail itself, where it was one
state | text | state of the conversation at that time | open, closed, snoozed
tags | list | tags of this part alone
tags[] | tag | a tag
event_details | object | what changed, for parts that tell of a change
event_details.workflow.name | text | name of the workflow
event_details.attribute.name | text | name of the attribute that changed
event_details.value.name | text | its new value
event_details.value.previous | text | its value before
event_details.action.name | text | name of the custom action
event_details.action.result | text | how the action ended | success, failed, ...
event_details.event.type | text | what the workflow waited for
event_details.event.result | text | how that ended
app_package_code | text | the app that wrote it through the API
""",
    "author": """
type | text | a customer is user, lead, contact or visitor; else ours |
 user, lead, contact, visitor, admin, bot, team, ...
id | text | the id among contacts, or among teammates
name | text | the name; null where nobody gave one
email | text | the address at that time; blank for leads without one
""",
    "reference": """
type | text | what it is; nobody_admin for nobody | admin, team, contact, nobody_admin, ...
id | text | its id
""",
    "contact_ref": """
type | text | always contact | contact
id | text | the contact's id in Intercom
external_id | text | its id in your own system; may be missing
role | text | user or lead; only in ticket.closed of 2.14 | user, lead
""",
    "attachment": """
type | text | kind of attachment | upload, ...
name | text | name of the file
url | text | where it lies; the link expires
content_type | text | its MIME type, such as image/png
filesize | integer | its size in bytes
width | integer | width of a picture in pixels
height | integer | height of a picture in pixels
""",
    "email_headers": """
subject | text | subject of the e-mail
message_id | text | its Message-ID
email_address_headers | list | its addresses
email_address_headers[].type | text | which header, such as from or to | from, to, cc, bcc, ...
email_address_headers[].email_address | text | the address
email_address_headers[].name | text | the name beside it
""",
    "linked_objects": """
type | text | always list | list
total_count | integer | how many there are
has_more | boolean | whether there are more than this list holds
data | list | at most 1000 of them
data[].type | text | what is linked | ticket, conversation
data[].id | text | its id
data[].category | text | category of a ticket; null for a conversation | Customer, Back-office, Tracker
""",
    "applied_tag": """
type | text | always tag | tag
id | text | the tag's id
name | text | its name
applied_at | time | when it was applied
applied_by | reference | the teammate who applied it
""",
    "deleted_conversation": """
type | text | always conversation | conversation
id | text | id of the conversation that was deleted
deleted | boolean | always true
""",
}
"""Conversations, and what other tables take from them."""
