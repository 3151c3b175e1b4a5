/**
 * `npm run chaos`: the storms; with `--full` every one there is, the engine's with every
 * fault in every seed; probes held by us and by Python, cards and tools beside each
 * other; probes of six providers; diagnosis runs.
 *
 * A seed in which a listed fault did not hit is not counted; another takes its place.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { commandLine } from '../../engine/testing/command-line.ts'

const ENGINE = '../../engine/chaos/storm.ts'
/** Each ends with 0: counted; 2: a fault did not hit; anything else: something is not so. */
const STORMS: Readonly<Record<string, (seed: number) => readonly string[]>> = {
  engine: (seed) => [ENGINE, '--full', '--seed', String(seed)],
  kinds: (seed) => ['./kinds-storm.ts', '--seed', String(seed)],
  providers: (seed) => ['./providers-storm.ts', '--seed', String(seed)],
  diagnosis: (seed) => ['./diagnosis-storm.ts', '--runs', '120', '--seed', String(seed)],
}
const USAGE = `The storms.

  npm run chaos -- …                     that of the engine: node engine/chaos/storm.ts --help says what it takes
  npm run chaos -- --full --seeds 20     every storm there is, so many counted seeds of each (5)
  … --full --only kinds                  one of them: ${Object.keys(STORMS).join(', ')}
  … --full --from 100                    beginning with that seed (1)

Ends with 0: counted, 1: something is not so, 2: a fault did not hit, or not understood.`

/** So many seeds for each that is to count; then it is the machine's fault, or the storm's. */
const TRIES = 3

function run([program = '', ...args]: readonly string[]): Promise<{ code: number; said: string }> {
  const path = fileURLToPath(new URL(program, import.meta.url))
  const child = spawn(process.execPath, [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text
    process.stdout.write(text)
  })
  return new Promise((resolve) => child.on('close', (code) => resolve({ code: code ?? 1, said })))
}

type Chosen = readonly (readonly [string, (seed: number) => readonly string[]])[]

async function everything(chosen: Chosen, seeds: number, from: number): Promise<number> {
  let failed = 0
  const lines: string[] = []
  for (const [name, argsOf] of chosen) {
    const hits = new Map<string, number>()
    let [counted, broken, begun] = [0, 0, 0]
    for (; begun < seeds * TRIES && counted + broken < seeds; begun += 1) {
      console.log(`== ${name}, seed ${from + begun}`)
      const { code, said } = await run(argsOf(from + begun))
      if (code === 0) counted += 1
      else if (code !== 2) broken += 1
      if (code === 2) continue
      const told = /^hits: (\{.*\})$/m.exec(said)?.[1] ?? '{}'
      for (const [fault, amount] of Object.entries(JSON.parse(told) as Record<string, number>)) {
        hits.set(fault, (hits.get(fault) ?? 0) + amount)
      }
    }
    if (broken > 0 || counted < seeds) failed += 1
    lines.push(`${name}: ${counted} counted, ${begun - counted - broken} not counted, ${broken} broken`)
    lines.push(`  ${[...hits].map(([fault, amount]) => `${fault} ${amount}`).join(', ')}`)
  }
  for (const line of lines) console.log(line)
  return failed === 0 ? 0 : 1
}

const given = process.argv.slice(2)
if (given.includes('--full') || given.includes('--help') || given.includes('-h')) {
  const { values, whole, misused } = commandLine(USAGE, {
    full: { type: 'boolean' },
    seeds: { type: 'string', default: '5' },
    from: { type: 'string', default: '1' },
    only: { type: 'string' },
  })
  const { only } = values
  const chosen = Object.entries(STORMS).filter(([name]) => only === undefined || name === only)
  if (chosen.length === 0) misused(`There is no storm '${only}'`)
  process.exitCode = await everything(chosen, whole('seeds', 1), whole('from'))
} else {
  process.exitCode = (await run([ENGINE, ...given])).code
}
