/**
 * What each example gives, on every machine: of a probe with the keyless models
 * its results and a hash of everything that was asked and answered, of a kind of
 * run its output.
 *
 *   node examples/expected.ts            compares with the files expected.json
 *   node examples/expected.ts --write    writes them
 */
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { install, type Ran } from '../server/testing/cli.ts'

/** The folders; each is asked as its README proposes. */
const PROBES = ['value-dilemma', 'refusal-prone', 'unicode-and-long-text'] as const
const OWN_KIND = 'own-kind'
const EXAMPLES = [...PROBES, OWN_KIND] as const
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
export type Outcome = ProbeOutcome | KindOutcome
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

type Run = (args: readonly string[], settings?: Record<string, string>) => Promise<Ran>

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
export async function outcomeOf(example: Example, run: Run): Promise<Outcome> {
  return example === OWN_KIND ? outcomeOfKind(run) : outcomeOfProbe(example, run)
}

async function outcomeOfKind(run: Run): Promise<KindOutcome> {
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

async function outcomeOfProbe(example: Example, run: Run): Promise<ProbeOutcome> {
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
      const text = `${JSON.stringify(await outcomeOf(example, (args, settings) => place.run(args, settings)), null, 2)}\n`
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
