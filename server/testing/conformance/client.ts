/**
 * What the official suite of MCP begins to look at our client: it takes the tools of the
 * server that it is given, as a worker does, and calls each once through the runner.  Where
 * a tool wants somebody to sign in, somebody does, as `millrace tools login` does it; what
 * it asks is accepted as it stands.
 */
import { Refusal } from '@millrace/engine'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Questions } from '../../src/tools/questions.ts'
import { MISSING } from '../../src/tools/lifecycle.ts'
import { openTools } from '../../src/tools/tools.ts'

const url = process.argv[2] ?? ''
const scenario = process.env['MCP_CONFORMANCE_SCENARIO'] ?? ''

/** What the suite wants a tool to be called with, and as whom it knows us. */
const {
  toolCalls = [],
  client_id: client,
  client_secret: secret,
} = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as {
  toolCalls?: { name: string; arguments: Record<string, unknown> }[]
  client_id?: string
  client_secret?: string
}
process.env['SUITE_SECRET'] = secret
const DOCUMENT = 'https://conformance-test.local/client-metadata.json'
const signIn = {
  ...(client === undefined ? {} : { client, secret: 'SUITE_SECRET' }),
  ...(scenario === 'auth/basic-cimd' ? { document: DOCUMENT } : {}),
}

const folder = await mkdtemp(join(tmpdir(), 'millrace-conformance-'))
const file = { url, private: true, timeoutMs: 20_000, ...(url.startsWith('http') ? { signIn } : {}) }
await writeFile(join(folder, 'suite.mcp.json'), JSON.stringify(file))
const python = { health: async () => ({ healthy: false, executable: null }) as never }
/** In memory, and over the end of what reads it. */
const kept = new Map<string, string>()
const signIns = {
  read: (name: string) => kept.get(name),
  write: (name: string, text: string | undefined) =>
    void (text === undefined ? kept.delete(name) : kept.set(name, text)),
}
const open = () => openTools({ folder, python, signIns, pause: 0 })
const complain = (line: string) => void process.stderr.write(`${scenario}: ${line}\n`)

/** A person at a browser who agrees to everything. */
async function login(tools: ReturnType<typeof open>): Promise<boolean> {
  try {
    await tools.login('suite', async (address) => void (await fetch(address)))
    return true
  } catch (error) {
    complain(error instanceof Refusal ? `${error.message} ${error.causes.join()}` : String(error))
    return false
  }
}

/** As much as he is asked, a person says yes; what he leaves out is what the form proposes. */
const agreed = (questions: Questions) =>
  Object.fromEntries(Object.keys(questions).map((key) => [key, { action: 'accept', content: {} }]))

/** Where a schema says text, the runner refuses null: what is not given is left out. */
const withoutNulls = (given: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null))
const FITTING: Readonly<Record<string, unknown>> = { string: 'text', number: 5, integer: 5, boolean: true }

async function call(tools: ReturnType<typeof open>, name: string, input: unknown): Promise<void> {
  let answers = {}
  let logins = 0
  for (let round = 0; round < 8; round += 1) {
    const called = await tools.runner.run(name, input, { askable: { asks: ['form'], answers } })
    if (called.ok) return
    if (called.questions !== undefined) answers = { ...answers, ...agreed(called.questions) }
    else if (called.error.details['why'] === 'SIGN_IN' && logins < 1 && (await login(tools))) logins += 1
    else return complain(`${name}: ${called.error.code} ${JSON.stringify(called.error.details)}`)
  }
}

let tools = open()
try {
  await tools.load()
  if (tools.runner.absent.some(({ reason }) => reason === MISSING.SIGN_IN) && (await login(tools))) {
    await tools.close()
    tools = open()
    await tools.load()
  }
  const mine = tools.runner.tools.filter(({ carrier }) => carrier === 'mcp')
  if (mine.length === 0) complain(JSON.stringify(tools.runner.absent))
  const calls =
    toolCalls.length > 0
      ? toolCalls.map((one) => ({ name: `suite__${one.name}`, given: withoutNulls(one.arguments) }))
      : mine.map(({ name, input }) => {
          const fields = Object.entries((input['properties'] ?? {}) as Record<string, { type?: string }>)
          return { name, given: Object.fromEntries(fields.map(([field, { type = '' }]) => [field, FITTING[type]])) }
        })
  for (const { name, given } of calls) await call(tools, name, given)
} finally {
  await tools.close()
  await rm(folder, { recursive: true })
}
