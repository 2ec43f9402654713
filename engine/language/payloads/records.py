"""What is known of the records that look-ups give: teammates, teams, tags and companies.

A contact that is looked up is described with the contacts. Sources: Intercom's object models of API 2.16.
"""

TABLES: dict[str, str] = {
    "admin": """
type | text | always admin | admin
id | text | the teammate's id
name | text | the teammate's name
email | text | the teammate's e-mail address
job_title | text | the job title
away_mode_enabled | boolean | whether the teammate is away
away_mode_reassign | boolean | whether new conversations go to others meanwhile
away_status_reason_id | integer | id of the reason for being away
has_inbox_seat | boolean | whether the teammate can use the inbox
team_ids | list | ids of the teams that the teammate is in
team_ids[] | integer | id of a team
avatar | text | address of the picture
team_priority_level | object | which teams come first for the teammate
team_priority_level.primary_team_ids | list | teams that come first
team_priority_level.primary_team_ids[] | integer | id of a team
team_priority_level.secondary_team_ids | list | teams that come second
team_priority_level.secondary_team_ids[] | integer | id of a team
role | object | what the teammate may do
role.type | text | always role | role
role.id | text | id of the role
role.name | text | name of the role
""",
    "team": """
type | text | always team | team
id | text | the team's id
name | text | the team's name
admin_ids | list | ids of its teammates
admin_ids[] | integer | id of a teammate
admin_priority_level | object | who comes first for new conversations
admin_priority_level.primary_admin_ids | list | teammates who come first
admin_priority_level.primary_admin_ids[] | integer | id of a teammate
admin_priority_level.secondary_admin_ids | list | teammates who come second
admin_priority_level.secondary_admin_ids[] | integer | id of a teammate
assignment_limit | integer | how many conversations a teammate gets at once; null for no limit
distribution_method | text | how conversations are given out | manual, round_robin, load_balanced, ...
""",
    "tag": """
type | text | always tag | tag
id | text | the tag's id
name | text | its name
""",
    "company": """
type | text | always company | company
id | text | the company's id in Intercom
company_id | text | its id in your own system
app_id | text | the workspace that it belongs to
name | text | its name
plan | object | the plan that it is on
plan.type | text | always plan | plan
plan.id | text | id of the plan
plan.name | text | name of the plan
remote_created_at | time | when it began in your own system
created_at | time | when Intercom first knew it
updated_at | time | when anything about it last changed
last_request_at | time | when anyone of it was last seen
size | integer | how many people work there
website | text | address of its site
industry | text | what it does
monthly_spend | integer | what it pays you a month
session_count | integer | how many sessions its people had
user_count | integer | how many of its people are contacts
custom_attributes | map | what you store about companies, by the attribute's name
tags | object | its tags
tags.type | text | always tag.list | tag.list
tags.tags | list | one entry a tag
tags.tags[] | tag | a tag
segments | object | the segments that it is in
segments.type | text | always segment.list | segment.list
segments.segments | list | one entry a segment
segments.segments[].type | text | always segment | segment
segments.segments[].id | text | id of the segment
segments.segments[].name | text | name of the segment
segments.segments[].created_at | time | when the segment was made
segments.segments[].updated_at | time | when the segment last changed
segments.segments[].person_type | text | whether it is of leads (contact) or users | contact, user
segments.segments[].count | integer | how many are in it; only where it was asked for
notes | object | notes by teammates
notes.type | text | always note.list | note.list
notes.notes | list | one entry a note
notes.notes[].type | text | always note | note
notes.notes[].id | text | id of the note
notes.notes[].created_at | time | when the note was written
notes.notes[].company | reference | the company
notes.notes[].author | admin | the teammate who wrote it
notes.notes[].body | text | HTML of what was written
""",
}
"""The records by the names that `lookups` uses; `contact` is with the contacts."""
