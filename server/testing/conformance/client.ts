/**
 * What the official suite of MCP begins to look at our client: it takes the tools of the
 * server that it is given, as a worker does, and calls each once through the runner.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openTools } from '../../src/tools/tools.ts'

const url = process.argv[2] ?? ''
const scenario = process.env['MCP_CONFORMANCE_SCENARIO'] ?? ''
const folder = await mkdtemp(join(tmpdir(), 'millrace-conformance-'))
await writeFile(join(folder, 'suite.mcp.json'), JSON.stringify({ url, private: true, timeoutMs: 20_000 }))
const python = { health: async () => ({ healthy: false, executable: null }) as never }
const tools = openTools({ folder, python })

/** What the suite wants a tool to be called with. */
const { toolCalls = [] } = JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}') as {
  toolCalls?: { name: string; arguments: Record<string, unknown> }[]
}
/** Where a schema says text, the runner refuses null: what is not given is left out. */
const withoutNulls = (given: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null))
const FITTING: Readonly<Record<string, unknown>> = { string: 'text', number: 5, integer: 5, boolean: true }

try {
  await tools.load()
  const mine = tools.runner.tools.filter(({ carrier }) => carrier === 'mcp')
  if (mine.length === 0) process.stderr.write(`${scenario}: ${JSON.stringify(tools.runner.absent)}\n`)
  const calls =
    toolCalls.length > 0
      ? toolCalls.map((call) => ({ name: `suite__${call.name}`, given: withoutNulls(call.arguments) }))
      : mine.map(({ name, input }) => {
          const fields = Object.entries((input['properties'] ?? {}) as Record<string, { type?: string }>)
          return { name, given: Object.fromEntries(fields.map(([field, { type = '' }]) => [field, FITTING[type]])) }
        })
  for (const { name, given } of calls) {
    const called = await tools.runner.run(name, given)
    if (!called.ok) process.stderr.write(`${name}: ${called.error.code}\n`)
  }
} finally {
  await tools.close()
  await rm(folder, { recursive: true })
}
