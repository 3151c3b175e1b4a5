-- That somebody is called otherwise is noted, too: runs and decisions are read by names.

alter table people.audit
  drop constraint audit_action_check,
  add constraint audit_action_check check (action in (
    'sign_in', 'sign_in_failed', 'sign_out', 'session_ended', 'password_set', 'link_made', 'link_used',
    'key_made', 'key_revoked', 'user_added', 'user_disabled', 'user_enabled', 'user_renamed',
    'invited', 'invitation_withdrawn', 'role_changed', 'workspace_added',
    'skill_imported', 'skill_trusted', 'skill_removed'));
