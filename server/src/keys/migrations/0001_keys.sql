-- Keys of accounts at providers, sealed: what lies here opens nothing without the
-- secret, which is not in the database.

create schema vault;

-- Every seal names the installation, so that a row means nothing in another one.
create table vault.installation (
  one boolean primary key default true check (one),
  id  uuid not null default gen_random_uuid()
);
insert into vault.installation default values;

-- One account a provider, for everybody, as limits are.
create table vault.keys (
  provider    text primary key check (provider ~ '^[a-z][a-z0-9-]{0,63}$'),
  -- Which secret sealed it: an id made of it, not the secret.
  secret      text not null check (secret ~ '^[0-9a-f]{8}$'),
  nonce       bytea not null check (octet_length(nonce) = 12),
  sealed      bytea not null check (octet_length(sealed) between 17 and 8192),
  -- For people, to tell one key from another: the first six digits of its hash.
  fingerprint text not null check (fingerprint ~ '^[0-9a-f]{6}$'),
  set_by      text not null,
  set_at      timestamptz not null
);
