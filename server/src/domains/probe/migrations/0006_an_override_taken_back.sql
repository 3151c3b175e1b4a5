-- An override that is taken back: what was read counts again, and the record says who said so.

alter table probe.overrides
  alter column outcome drop not null,
  drop constraint only_a_decision_has_a_code,
  add constraint only_a_decision_has_a_code check ((code is not null) = (outcome is not distinct from 'decision'));
