"""What is known of tickets, their parts and types, and of the items that wrap a ticket.

Sources: Intercom's object models of API 2.9 to 2.16, and payloads seen. Paths and values are those of the
one shape that specs see.
"""

TABLES: dict[str, str] = {
    "ticket": """
type | text | always ticket | ticket
id | text | id for links and the API; a converted ticket keeps its conversation's
ticket_id | text | the number that people see
category | text | whom the ticket is for | Customer, Back-office, Tracker
ticket_attributes | map | what people filled in, by the attribute's name
ticket_attributes._default_title_ | text | its title
ticket_attributes._default_description_ | text | its description; Fin writes one on conversion
ticket_state | ticket_state | its state; up to 2.11 without id
ticket_state_internal_label | text | the label in Intercom, up to 2.11; specs see it in ticket_state
ticket_state_external_label | text | the label for customers, up to 2.11; see ticket_state
previous_ticket_state_id | text | id of the state before (from 2.16)
ticket_type | ticket_type | its type, with the definitions of its attributes
contacts | object | the customers whom it concerns
contacts.type | text | always contact.list | contact.list
contacts.contacts | list | one entry a customer, ids only; several on trackers
contacts.contacts[] | contact_ref | a customer; the rest of it is a look-up
admin_assignee_id | integer | id of the teammate it is assigned to; null for nobody
team_assignee_id | integer | id of the team it is assigned to; null for none
created_at | time | when it began; a converted ticket: when its conversation began
updated_at | time | when anything about it last changed
open | boolean | whether it is open
snoozed_until | time | when it opens again; null or missing where it is not snoozed
is_shared | boolean | whether the customer sees it
company_id | text | id of the company; undocumented, may be missing
channel | text | where it came from, such as messenger; undocumented, may be missing
linked_objects | linked_objects | tickets and conversations that it is linked to
ticket_parts | object | what was written and done
ticket_parts.type | text | always ticket_part.list | ticket_part.list
ticket_parts.ticket_parts | list | all parts, oldest first; at most the newest 500
ticket_parts.ticket_parts[] | ticket_part | a message, a note or a change
ticket_parts.total_count | integer | how many there are in all; more than listed where cut
""",
    "ticket_part": """
type | text | always ticket_part | ticket_part
id | text | the part's id; unique in the workspace only
part_type | text | what it is; all changes of state start with ticket_state_updated |
 comment, note, quick_reply, assignment, open, close, snoozed, unsnoozed,
 ticket_state_updated_by_admin, ticket_state_updated_by_user, ticket_state_updated_by_workflow, ...
body | text | what was written; missing for changes
ticket_state | text | the state that it set; missing for all but changes of state |
 submitted, in_progress, waiting_on_customer, resolved
previous_ticket_state | text | the state before; the same in the part of its creation |
 submitted, in_progress, waiting_on_customer, resolved
created_at | time | when it was written or happened
updated_at | time | when it last changed
assigned_to | reference | whom it assigned to; missing where it assigned nothing
author | author | who wrote or did it; leads come as user
attachments | list | files with it
attachments[] | attachment | a file
external_id | text | the id that your own system gave it
redacted | boolean | whether its text was removed
app_package_code | text | the app that wrote it through the API; else missing
updated_attribute_data | object | the attribute that it changed; else missing
updated_attribute_data.attribute | object | the attribute
updated_attribute_data.attribute.type | text | always attribute | attribute
updated_attribute_data.attribute.id | text | its id
updated_attribute_data.attribute.label | text | its name
updated_attribute_data.value | object | its new value
updated_attribute_data.value.type | text | always value | value
updated_attribute_data.value.id | any | the value's id, or a list of ids
updated_attribute_data.value.label | any | the value's name, or a list of names
""",
    "ticket_state": """
type | text | always ticket_state | ticket_state
id | text | id of the state
category | text | what states of any name come down to |
 submitted, in_progress, waiting_on_customer, resolved
internal_label | text | its name in Intercom
external_label | text | its name for customers
""",
    "ticket_type": """
type | text | always ticket_type | ticket_type
id | text | id of the type
name | text | its name
description | text | what it is for
icon | text | its emoji
category | text | whom its tickets are for | Customer, Back-office, Tracker
workspace_id | text | the workspace that it belongs to
archived | boolean | whether it is no longer in use
is_internal | boolean | whether customers never see it; undocumented
created_at | time | when the type was made
updated_at | time | when the type last changed
ticket_type_attributes | object | what its tickets ask for: definitions, no values
ticket_type_attributes.type | text | list, or ticket_type_attributes.list |
 list, ticket_type_attributes.list
ticket_type_attributes.data | list | one entry an attribute
ticket_type_attributes.data[] | ticket_type_attribute | an attribute
ticket_states | object | the states that its tickets can have
ticket_states.type | text | always list | list
ticket_states.data | list | one entry a state
ticket_states.data[] | ticket_state | a state
""",
    "ticket_type_attribute": """
type | text | always ticket_type_attribute | ticket_type_attribute
id | text | id of the attribute
workspace_id | text | the workspace that it belongs to
name | text | its name, which is its key in ticket_attributes
description | text | what it is for
data_type | text | what it holds | string, list, integer, decimal, boolean, datetime, files, ...
input_options | any | how it is asked for, such as multiline
order | integer | its place in the form
required_to_create | boolean | whether teammates must fill it in
required_to_create_for_contacts | boolean | whether customers must fill it in
visible_on_create | boolean | whether teammates see it in the form
visible_to_contacts | boolean | whether customers see it
default | boolean | whether it comes with Intercom, as title and description do
ticket_type_id | integer | id of the type that it belongs to
archived | boolean | whether it is no longer in use
created_at | time | when the attribute was made
updated_at | time | when the attribute last changed
""",
    "ticket_reply": """
type | text | always ticket_ticket_part | ticket_ticket_part, ...
ticket | ticket | the ticket, with all its parts
ticket_part | ticket_part | the part that the notification tells of
""",
    "wrapped_ticket": """
type | text | what the item is
ticket | ticket | the ticket
""",
}
"""Tickets; `ticket_reply` and `wrapped_ticket` are items that have the ticket inside."""
