/** A folder of tools that do what tools must not, one of each kind of misbehaviour, and a neighbour that behaves. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const typescript = (name: string, body: string) => `import { defineTool } from 'millrace/tool'
import { z } from 'zod'

export default defineTool({
  name: '${name}',
  version: '1.0.0',
  description: 'Misbehaves.',
  input: z.looseObject({}),
  output: z.looseObject({}),
  timeoutMs: ${/loops|never/.test(name) ? 2_000 : 30_000},
  run: ${body},
})
`
const python = (name: string, body: string) => `import os, subprocess, sys, time

TOOL = {"name": "${name}", "version": "1.0.0", "description": "Misbehaves.", "timeoutMs": ${/loops|grandchildren/.test(name) ? 2000 : 30000},
        "input": {"type": "object"}, "output": {"type": "object"}}

def run(given, job):
    ${body.split('\n').join('\n    ')}
`

/** By name: the code that its caller is told. */
export const HOSTILE = {
  loops: ['TIMEOUT', typescript('loops', '() => { for (;;); }')],
  allocates: [
    'TOOL_FAILED',
    typescript(
      'allocates',
      'async () => { const all = []; for (;;) { all.push(Buffer.alloc(16 << 20, 1)); await null } }',
    ),
  ],
  fills_the_heap: [
    'TOOL_CRASHED',
    typescript(
      'fills_the_heap',
      '() => { const all = []; for (;;) all.push({ a: [1, 2, 3, 4, 5, 6, 7, 8].map(String) }) }',
    ),
  ],
  exits: ['TOOL_CRASHED', typescript('exits', '() => process.exit(0)')],
  never_answers: ['TIMEOUT', typescript('never_answers', '() => new Promise(() => {})')],
  gives_too_much: ['OUTPUT_TOO_LARGE', typescript('gives_too_much', '() => ({ text: "x".repeat(100 << 20) })')],
  throws_a_string: ['TOOL_FAILED', typescript('throws_a_string', '() => { throw "CANARY-of-a-person" }')],
  throws_a_proxy: [
    'TOOL_FAILED',
    typescript(
      'throws_a_proxy',
      '() => { const no = () => { throw new Error("CANARY-of-a-person") }; throw new Proxy({}, { get: no, getPrototypeOf: no, has: no, ownKeys: no, getOwnPropertyDescriptor: no }) }',
    ),
  ],
  throws_a_getter: [
    'TOOL_FAILED',
    typescript(
      'throws_a_getter',
      '() => { throw { get message() { throw new Error("CANARY-of-a-person") }, get code() { for (;;); } } }',
    ),
  ],
  breaks_the_protocol: [
    'TOOL_PROTOCOL',
    typescript(
      'breaks_the_protocol',
      'async () => { const { writeSync } = await import("node:fs"); writeSync(1, "CANARY-of-a-person\\n"); await new Promise(() => {}) }',
    ),
  ],
  py_loops: ['TIMEOUT', python('py_loops', 'while True: pass')],
  py_allocates: ['TOOL_FAILED', python('py_allocates', 'all = []\nwhile True: all.append(bytearray(16 << 20))')],
  py_raises: ['TOOL_FAILED', python('py_raises', 'raise ValueError("CANARY-of-a-person")')],
  py_leaves_grandchildren: [
    'TIMEOUT',
    python(
      'py_leaves_grandchildren',
      'for _ in range(3): subprocess.Popen(["sleep", given["seconds"]])\ntime.sleep(60)',
    ),
  ],
} as const satisfies Record<string, readonly [string, string]>

/** These misbehave, and their answer is right all the same. */
export const ODD = {
  prints: typescript('prints', '() => { console.log("to stdout"); process.stdout.write("more"); return { said: 1 } }'),
  py_prints: python('py_prints', 'print("to stdout")\nos.system("echo from a child")\nreturn {"said": 1}'),
  resolves_twice: typescript(
    'resolves_twice',
    '() => ({ then(yes: (it: unknown) => void, no: (it: unknown) => void) { yes({ said: 1 }); yes({ said: 2 }); no(new Error()) } }) as never',
  ),
  mutates_its_input: typescript(
    'mutates_its_input',
    '(input) => { const before = JSON.stringify(input); for (const key of Object.keys(input)) delete input[key]; return { said: before === "{}" ? 0 : 1 } }',
  ),
  gives_a_getter: typescript('gives_a_getter', '() => { let n = 0; return { get said() { n += 1; return n } } }'),
} as const

const neighbour = typescript('neighbour', '(input) => ({ echo: input })').replace('Misbehaves', 'Gives back')

export interface ToolFolder {
  readonly path: string
  write(file: string, text: string): Promise<void>
  remove(): Promise<void>
}

export async function toolFolder(files: Readonly<Record<string, string>>): Promise<ToolFolder> {
  const path = await mkdtemp(join(tmpdir(), 'millrace-tools-'))
  const write = (file: string, text: string) => writeFile(join(path, file), text, { mode: 0o755 })
  for (const [file, text] of Object.entries(files)) await write(file, text)
  return { path, write, remove: () => rm(path, { recursive: true, force: true }) }
}

export function hostileFolder(): Promise<ToolFolder> {
  const all: [string, string][] = [
    ...Object.entries(HOSTILE).map(([name, [, text]]): [string, string] => [name, text]),
    ...Object.entries(ODD),
    ['neighbour', neighbour],
  ]
  return toolFolder(
    Object.fromEntries(all.map(([name, text]) => [`${name}.${text.startsWith('import os') ? 'py' : 'ts'}`, text])),
  )
}
