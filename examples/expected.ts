/**
 * What each example gives, on every machine: of a probe with the keyless models
 * its results and a hash of everything that was asked and answered, of a kind of
 * run its output, of a board where the card stopped and what it left.
 *
 *   node examples/expected.ts            compares with the files expected.json
 *   node examples/expected.ts --write    writes them
 */
import { createHash } from 'node:crypto'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { install, type Installation } from '../server/testing/cli.ts'

/** The folders; each is asked as its README proposes. */
const PROBES = ['value-dilemma', 'refusal-prone', 'unicode-and-long-text'] as const
const OWN_KIND = 'own-kind'
const BOARD = 'board'
const CAREFUL = 'careful-answer'
const EXAMPLES = [...PROBES, OWN_KIND, BOARD, CAREFUL] as const
export type Example = (typeof EXAMPLES)[number]
const MODELS = 'fake:a,fake:b'

interface Result {
  model: string
  answered: number
  failed: number
  decisions: Record<string, number>
  mean: number | null
  inputTokens: number
  outputTokens: number
}

/** Nothing of them depends on the time, the machine or the number of the run. */
export type Outcome = ProbeOutcome | KindOutcome | BoardOutcome | CarefulOutcome
interface ProbeOutcome {
  command: string
  results: Result[]
  transcripts: number
  /** sha256 of scenario, model, decision, prompts and answers of all transcripts. */
  sha256: string
}

interface KindOutcome {
  command: string
  output: unknown
  tasks: number
}

interface BoardOutcome {
  /** Where the card stood when nothing went on without a person, and what it waited for. */
  stops: { stage: string; run: string; question?: string }[]
  jury: { verdict: string; score: number; low: number; high: number; votes: number }
  hypotheses: string[]
  tickets: { title: string; points: number; dependsOn: number[] }[]
  /** The beginning of the sha256 of each. */
  documents: Record<string, string>
}

interface CarefulOutcome {
  command: string
  assessment: string
  run: string
  status: string
  attempts: number
  inputs: string
  /** Of who treats the patient, and of who does not. */
  seen: Record<string, number | null>
  exported: number
  audit: string[]
}

type Place = Pick<Installation, 'run' | 'begin' | 'folder'>

interface Line {
  scenario_id: string
  model_id: string
  model_version: string
  decision: string | null
  turns: { label: string; prompt: string; answer: string }[]
}

const HERE = fileURLToPath(new URL('./', import.meta.url))
const expectedFile = (example: Example) => `${HERE}${example}/expected.json`

/** Asks the example by commands of the real program. */
export async function outcomeOf(example: Example, place: Place): Promise<Outcome> {
  if (example === CAREFUL) return outcomeOfDiagnosis(place)
  if (example === BOARD) return outcomeOfBoard(place)
  return example === OWN_KIND ? outcomeOfKind(place) : outcomeOfProbe(example, place)
}

async function outcomeOfDiagnosis({ run, begin, folder }: Place): Promise<CarefulOutcome> {
  const settings = { DIAGNOSIS_MODEL: 'fake:a' }
  const diagnosis = async (...args: string[]) => {
    const ran = await run(['diagnosis', ...args, '--json'], settings)
    if (ran.code !== 0) throw new Error(`${CAREFUL}: ${args[0]} ended with ${ran.code}: ${ran.stderr}`)
    return JSON.parse(ran.stdout) as never
  }
  const generate = ['generate', '--patients', '12', '--seed', '7']
  await diagnosis(...generate)
  const worker = begin(['worker'], settings)
  try {
    await worker.says(/Worker \d+ performs/, 60)
    const as = ['--as', 'clinician-1-1']
    const assessments: { id: string; status: string; answers: number }[] = await diagnosis('assessments', ...as)
    const assessment = assessments.find((one) => one.status === 'completed' && one.answers > 0)?.id ?? ''
    const asked: { id: string } = await diagnosis('ask', assessment, ...as, '--correlation', 'visit-1')
    const end: { status: string; attempts: number; inputs_hash: string } = await diagnosis(
      'process',
      asked.id,
      '--as',
      'admin-1',
    )
    const file = `${folder}/careful-answer.jsonl`
    const [stranger, treating, { runs }] = await Promise.all([
      run(['diagnosis', 'show', asked.id, '--as', 'clinician-1-2'], settings),
      run(['diagnosis', 'show', asked.id, ...as], settings),
      diagnosis('export', file, ...as) as Promise<{ runs: number }>,
    ])
    const audit: { action: string; by: string }[] = await diagnosis('audit', asked.id, '--as', 'admin-1')
    return {
      command: ['millrace diagnosis', ...generate].join(' '),
      assessment,
      run: asked.id,
      status: end.status,
      attempts: end.attempts,
      inputs: end.inputs_hash,
      seen: { 'clinician-1-1': treating.code, 'clinician-1-2': stranger.code },
      exported: runs,
      // In any order; and there is nothing to raise where the worker was faster.
      audit: audit
        .filter(({ action }) => action !== 'processed')
        .map(({ action, by }) => `${action} by ${by}`)
        .toSorted(),
    }
  } finally {
    await worker.kill()
  }
}

async function outcomeOfKind({ run }: Place): Promise<KindOutcome> {
  const start = (folder: string) => ['runs', 'start', 'prices', '--input-file', `${folder}/input.yaml`, '--wait']
  const ran = await run([...start(HERE + OWN_KIND), '--json'], { MILLRACE_KINDS: HERE + OWN_KIND })
  if (ran.code !== 0) throw new Error(`${OWN_KIND} ended with ${ran.code}: ${ran.stderr}`)
  const told = JSON.parse(ran.stdout) as { run: { output: unknown; progress: { total: number } } }
  const shown = `examples/${OWN_KIND}`
  return {
    command: ['millrace', ...start(shown)].join(' '),
    output: told.run.output,
    tasks: told.run.progress.total,
  }
}

/** As its README has it. */
async function outcomeOfBoard({ run }: Place): Promise<BoardOutcome> {
  const folder = `${HERE}${BOARD}`
  const told = async <T>(...args: string[]): Promise<T> => {
    const ran = await run([...args, '--json'])
    if (ran.code !== 0) throw new Error(`${args.join(' ')} ended with ${ran.code}: ${ran.stderr}`)
    return JSON.parse(ran.stdout) as T
  }
  const done = async (...args: string[]) => {
    const ran = await run(args)
    if (ran.code !== 0) throw new Error(`${args.join(' ')} ended with ${ran.code}: ${ran.stderr}`)
  }
  const stops: BoardOutcome['stops'] = []
  const follow = async (card: string) => {
    const { card: seen, questions } = await told<Followed>('cards', 'follow', card, '--work')
    const [question] = questions
    stops.push({
      stage: seen.stage,
      run: seen.run.awaits === null ? seen.run.status : `awaits ${seen.run.awaits}`,
      ...(question === undefined ? {} : { question: question.question }),
    })
    return { run: String(seen.run.id), question: String(question?.id ?? '') }
  }
  await done('recipes', 'init', '--provider', 'fake')
  await done(
    'recipes',
    'set',
    ...(await readdir(`${folder}/recipes`)).toSorted().map((file) => `${folder}/recipes/${file}`),
  )
  await done('board', 'settings', '--set', 'automationStopStage=tickets')
  const added = await told<{ card: number }>(
    'cards',
    'add',
    'Shared packing list',
    '--description-file',
    `${folder}/call.md`,
  )
  const card = String(added.card)
  const stopped = await follow(card)
  await done('cards', 'answer', card, stopped.question, 'Free for a household; clubs pay.')
  await done('cards', 'write', card, 'pricing.md', `${folder}/pricing.md`)
  await done('approvals', 'retry', stopped.run)
  await done('approvals', 'approve', (await follow(card)).run)
  await follow(card)
  await done('cards', 'move', card, 'tickets')
  await follow(card)
  const records = await told<Kept>('cards', 'records', card)
  const documents = await told<{ path: string; digest: string }[]>('cards', 'documents', card)
  const { verdict, score, low, high, votes } = records.jury
  return {
    stops,
    jury: { verdict, score, low, high, votes: votes.length },
    hypotheses: records.hypotheses.map(({ title }) => title),
    tickets: records.tickets.map(({ title, points, dependsOn }) => ({ title, points, dependsOn })),
    documents: Object.fromEntries(documents.map(({ path, digest }) => [path, digest.slice(0, 12)])),
  }
}

interface Followed {
  card: { stage: string; run: { id: number; status: string; awaits: string | null } }
  questions: { id: number; question: string }[]
}

interface Kept {
  hypotheses: { title: string }[]
  jury: { verdict: string; score: number; low: number; high: number; votes: unknown[] }
  tickets: { title: string; points: number; dependsOn: number[] }[]
}

async function outcomeOfProbe(example: (typeof PROBES)[number], { run }: Place): Promise<ProbeOutcome> {
  const probed = await run(['probe', `${HERE}${example}/definition.yaml`, '--models', MODELS, '--json'])
  if (probed.code !== 0) throw new Error(`${example} ended with ${probed.code}: ${probed.stderr}`)
  const told = JSON.parse(probed.stdout) as { run: { id: number }; results: Result[] }
  const exported = await run(['runs', 'export', String(told.run.id), '--format', 'jsonl', '--out', '-'])
  const lines = exported.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
    .map(({ scenario_id, model_id, model_version, decision, turns }) =>
      JSON.stringify([
        scenario_id,
        model_id,
        model_version,
        decision,
        turns.map(({ label, prompt, answer }) => [label, prompt, answer]),
      ]),
    )
  return {
    command: `millrace probe examples/${example}/definition.yaml --models ${MODELS}`,
    results: told.results.map(({ model, answered, failed, decisions, mean, inputTokens, outputTokens }) => ({
      model,
      answered,
      failed,
      decisions,
      mean,
      inputTokens,
      outputTokens,
    })),
    transcripts: lines.length,
    sha256: createHash('sha256').update(lines.toSorted().join('\n')).digest('hex'),
  }
}

export async function expectedOf(example: Example): Promise<Outcome> {
  return JSON.parse(await readFile(expectedFile(example), 'utf8')) as Outcome
}

export const names: readonly Example[] = EXAMPLES

if (import.meta.main) {
  const place = await install()
  try {
    for (const example of names) {
      const text = `${JSON.stringify(await outcomeOf(example, place), null, 2)}\n`
      if (process.argv.includes('--write')) await writeFile(expectedFile(example), text)
      else if (text !== (await readFile(expectedFile(example), 'utf8'))) {
        process.stderr.write(`${example} gives something else than its expected.json; --write writes it anew.\n`)
        process.exitCode = 1
      }
    }
  } finally {
    await place.remove()
  }
}
