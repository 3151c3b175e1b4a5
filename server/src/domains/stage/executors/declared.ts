/**
 * What a skill's folder says that it does beside its documents: a panel that votes
 * (`panel.yaml`), and rows that are kept (`records.yaml`).  Any skill may; none of it is
 * in code.  The files are those of the version that the run stands on.
 */
import { TaskFailed, toJson, type Tx } from '@millrace/engine'
import type { StepSnapshot } from '../steps/snapshot.ts'
import type { StepHand } from '../steps/step-hand.ts'
import { holdPanel, PANEL_FILE, readPanel, readVoteSchema } from './panel.ts'
import { readRecords, RECORDS_FILE, recordsOf } from './records.ts'

/** The output of a step, before it is looked at as the skill's schema has it. */
export async function answerOf(hand: StepHand): Promise<unknown> {
  const files = await filesOf(hand, [PANEL_FILE, RECORDS_FILE])
  const panel = files.get(PANEL_FILE)
  const records = files.get(RECORDS_FILE)
  const kinds = records === undefined ? undefined : readRecords(records)
  const check = (output: unknown) => {
    if (kinds !== undefined) recordsOf(output, kinds)
    return output
  }
  if (panel !== undefined) return check(await votesOf(hand, panel))
  const output = await hand.ask('answer', { variables: hand.inputs })
  try {
    return check(output)
  } catch (error) {
    if (!(error instanceof TaskFailed)) throw error
    // What was answered is remembered, so a retry would read the same again.
    hand.log('records do not fit', { code: error.failure.code, names: error.failure.details?.['names'] ?? null })
    return check(await hand.ask('answer once more', { variables: hand.inputs, seed: 2 }))
  }
}

async function votesOf(hand: StepHand, text: string): Promise<unknown> {
  const panel = readPanel(text)
  const schema = readVoteSchema((await filesOf(hand, [panel.vote])).get(panel.vote), panel.vote)
  const of = panel.personas.length * panel.votes
  let votes = 0
  return holdPanel(panel, async ({ persona, vote, seed }) => {
    const cast = await hand.ask(`${persona.name} ${vote}`, {
      variables: { ...hand.inputs, juror: persona },
      schema,
      seed,
      ...(panel.temperature === undefined ? {} : { temperature: panel.temperature }),
    })
    votes += 1
    hand.progress({ votes, of })
    return cast
  })
}

export interface Questions {
  /** The variables of each. */
  readonly of: readonly Readonly<Record<string, unknown>>[]
  /** So often each is asked at most. */
  readonly times: number
}

/** What a step asks, at most. */
export async function questionsOf(
  read: Tx['query'],
  step: StepSnapshot,
  inputs: Readonly<Record<string, unknown>>,
): Promise<Questions> {
  const files = await filesOf({ read, step }, [PANEL_FILE, RECORDS_FILE])
  const text = files.get(PANEL_FILE)
  // Records that do not fit are asked for once more.
  if (text === undefined) return { of: [inputs], times: files.has(RECORDS_FILE) ? 2 : 1 }
  const { personas, votes } = readPanel(text)
  return { of: personas.map((juror) => ({ ...inputs, juror })), times: votes }
}

const FILES = `select path, convert_from(bytes, 'UTF8') as text from skills.files
  where skill_id = $1 and version = $2 and path = any($3)`

async function filesOf(
  { read, step }: Pick<StepHand, 'read' | 'step'>,
  paths: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { rows } = await read<{ path: string; text: string }>(FILES, [step.skill.id, step.skill.version, paths])
  return new Map(rows.map(({ path, text }) => [path, text]))
}

/** The step of the run's snapshot that a task was, and the file of its skill at that version. */
const RECORDS_OF_TASK = `
  select convert_from(f.bytes, 'UTF8') as text
    from engine.run_bodies b
    join engine.inputs i on i.run_id = b.run_id and i.n = $2
   cross join lateral (select b.input -> 'steps' -> (i.input ->> 'step')::integer -> 'skill' as skill) s
    join skills.files f on f.skill_id = (s.skill ->> 'id')::bigint and f.version = (s.skill ->> 'version')::integer
   where b.run_id = $1 and f.path = $3`

export interface EndedStep {
  readonly run: number
  readonly task: number
  readonly output: unknown
}

/** In the transaction that closes the step. */
export async function keepRecords(tx: Tx, made: EndedStep): Promise<void> {
  const { rows } = await tx.query<{ text: string }>(RECORDS_OF_TASK, [made.run, made.task, RECORDS_FILE])
  const [file] = rows
  if (file === undefined) return
  const records = recordsOf(made.output, readRecords(file.text))
  await tx.query('select stage.keep_records($1, $2, $3)', [made.run, made.task, toJson(records)])
}
