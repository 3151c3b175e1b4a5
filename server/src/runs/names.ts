/**
 * What a run is called, for people who look for one among others: the words of its own
 * domain, read as they are now and as the reader sees them.  Runs on sensitive records
 * have none, and neither has a kind that is not named here.
 */

/**
 * An expression of SQL about `r`, a row of engine.runs: text or null.  It asks by the run's
 * number alone, and only what its kind needs.
 */
export const NAME = `case r.kind
  when 'probe' then (select p.name from probe.runs p where p.run_id = r.id)
  when 'probe.analysis' then (
    select p.name from engine.run_bodies b join probe.runs p on p.run_id = (b.input ->> 'run')::bigint where b.run_id = r.id)
  when 'stage' then (
    select c.title || ' → ' || coalesce(s.name, k.stage)
      from stage.card_runs k join stage.cards c on c.id = k.card_id
      left join stage.stages s on s.workspace_id = k.workspace_id and s.key = k.stage
     where k.run_id = r.id)
  when 'tool' then (select b.input ->> 'tool' from engine.run_bodies b where b.run_id = r.id)
  when 'chat' then (select b.input ->> 'model' from engine.run_bodies b where b.run_id = r.id)
  when 'webhook' then (
    select c.title || ': ' || replace(n.kind, '_', ' ')
      from stage.deliveries d join stage.notifications n on n.id = d.notification_id join stage.cards c on c.id = n.card_id
     where d.workspace_id = r.workspace_id and d.run_id = r.id)
end`
