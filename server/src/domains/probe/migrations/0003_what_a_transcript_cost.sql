-- What a transcript cost, and by which prices.  A transcript without them was
-- kept before there were any, or no table knew its model: its cost is null.

alter table probe.transcripts
  add column price_table   text,
  add column price_version text,
  -- The day for which the prices were looked up, UTC.
  add column price_date    date,
  add column price_model   text,
  -- US dollars per million tokens, as the table has them: {"input", "output", "cached"?}.
  add column price_rates   jsonb,
  add constraint a_cost_says_where_its_prices_stand check ((cost_usd is null) = (price_table is null));

create index transcripts_of_model on probe.transcripts (workspace_id, provider, model, created_at desc);
