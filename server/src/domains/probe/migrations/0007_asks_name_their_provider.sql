-- Asking became a kind for each provider: what was planned under the one kind of before
-- has nobody who performs it.  The key of such a lane is its provider.
update engine.lanes set kind = 'probe.ask.' || key where kind = 'probe.ask' and key <> '';
