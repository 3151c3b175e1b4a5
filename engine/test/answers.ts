/** The domain table of tests whose kinds save what they were answered; it refuses one word. */
export const ANSWERS = `create table public.answers (run bigint, task integer, attempt integer, word text check (word <> 'bad'),
      primary key (run, task));
    grant select, insert on public.answers to millrace_worker`
