/**
 * Tools of other servers in our registry.  What they say of themselves is used as it was
 * accepted; what they answer is checked like any tool's, and their words for what went
 * wrong are for operators.
 */
import { readFile } from 'node:fs/promises'
import { ToolFailed, toEnvelope } from '../envelope.ts'
import type { Absent, ToolRunner } from '../runner.ts'
import { carriedTool, type Tool } from '../runner.ts'
import { MISSING, type MissingWhy } from '../lifecycle.ts'
import { changesSince, readAccepted, writeAccepted, type Accepted, type Change, type Told } from './accepted.ts'
import { openConnection, type Connection, type ConnectionOptions } from './connection.ts'
import { login, type LoginOptions } from './login.ts'
import { plainText } from './plain-text.ts'
import { readServerFile, type ServerFile } from './server-file.ts'

export const ENDING = '.mcp.json'
const lockOf = (path: string) => `${path.slice(0, -ENDING.length)}.mcp.lock`
const nameOf = (file: string) => file.slice(0, -ENDING.length)

interface Place {
  readonly folder: string
  /** In the folder. */
  readonly file: string
  readonly path: string
}

async function opened({ folder, file, path }: Place, options: ConnectionOptions) {
  const server = readServerFile(nameOf(file), folder, await readFile(path, 'utf8'))
  return { server, connection: openConnection(server, options) }
}

/** @throws Error with what is wrong with its file, in words that may be shown */
export async function loadServer(place: Place, runner: ToolRunner, options: ConnectionOptions): Promise<Connection> {
  const { server, connection } = await opened(place, options)
  const { file, path } = place
  const absent = (name: string, state: Absent['state'], reason: string) =>
    runner.addAbsent({ name, state, reason, file })
  let why: MissingWhy = 'AWAY'
  const now = await connection.list().catch((error: unknown) => {
    why = whyGone(error) ?? 'AWAY'
    return undefined
  })
  let accepted: Accepted | undefined
  try {
    accepted = await readAccepted(lockOf(path))
    if (accepted === undefined && now !== undefined) accepted = await writeAccepted(lockOf(path), now, 'first')
  } catch (error) {
    await connection.close()
    // A system's own words name the path.
    throw error instanceof SyntaxError || (error instanceof Error && 'code' in error)
      ? new Error('what was accepted of it cannot be kept beside it')
      : error
  }
  if (accepted === undefined) {
    absent(server.name, 'UNAVAILABLE', MISSING[why])
    return connection
  }
  const changes = new Map(changesSince(accepted, now ?? []).map(({ tool, how }) => [tool, how]))
  for (const { digest: _, ...tool } of accepted) {
    const how = now === undefined ? why : REASONS[changes.get(tool.name) ?? 'same']
    try {
      runner.add(remoteTool(server, tool, connection), how === undefined ? undefined : MISSING[how])
    } catch (error) {
      absent(nameHere(server, tool.name), 'FAILED', reasonOf(error))
    }
  }
  for (const [tool, how] of changes) if (how === 'new') absent(nameHere(server, tool), 'UNAVAILABLE', MISSING.NEW)
  return connection
}

function whyGone(error: unknown): MissingWhy | undefined {
  const { details } = toEnvelope(error, { tool: '', correlationId: '', errors: {} }).envelope
  const { why } = details
  return typeof why === 'string' && Object.hasOwn(MISSING, why) ? (why as MissingWhy) : undefined
}

const REASONS = { same: undefined, new: undefined, changed: 'CHANGED', gone: 'GONE' } as const

/** Takes a server's tools as they are now. @throws Error with what is wrong, in words that may be shown */
export async function acceptServer(place: Place, options: ConnectionOptions): Promise<readonly Change[]> {
  const { connection } = await opened(place, options)
  try {
    const now = await connection.list().catch((error: unknown) => {
      throw new Error(MISSING[whyGone(error) ?? 'AWAY'])
    })
    const before = await readAccepted(lockOf(place.path)).catch(() => undefined)
    await writeAccepted(lockOf(place.path), now, 'anew')
    return changesSince(before ?? [], now)
  } finally {
    await connection.close()
  }
}

/** @throws Error with what is wrong, in words that may be shown */
export async function loginToServer({ folder, file, path }: Place, options: LoginOptions): Promise<void> {
  await login(readServerFile(nameOf(file), folder, await readFile(path, 'utf8')), options)
}

/** `server__tool`, in our letters. */
function nameHere({ name }: ServerFile, tool: string): string {
  const snake = tool.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase()
  return `${name}__${snake.replace(/[^a-z0-9]+/g, '_').replace(/^_+|_+$/g, '')}`
}

const CONTENT = {
  type: 'object',
  properties: { content: { type: 'array', items: { type: 'object' } } },
  required: ['content'],
} as const

function remoteTool(server: ServerFile, tool: Told, connection: Connection): Tool {
  const { inputSchema, outputSchema } = tool
  for (const schema of [inputSchema, outputSchema]) refuseForeign(schema)
  const about = {
    name: nameHere(server, tool.name),
    version: '1',
    description: plainText(tool.description) || plainText(tool.title ?? '') || tool.name,
    input: withoutDialect(inputSchema),
    output: outputSchema === undefined ? CONTENT : withoutDialect(outputSchema),
    errors: {
      TOOL_ERROR: { message: 'The other server’s tool says that it failed.', blame: 'tool' },
      NO_DATA: { message: 'The other server’s tool gave no data, though it says that it does.', blame: 'tool' },
    },
    timeoutMs: server.timeoutMs,
    concurrency: server.concurrency,
    capabilities: outputSchema === undefined ? ['content'] : [],
  } as const
  return carriedTool(about, 'mcp', async (input, hand) => {
    const result = await connection.call(tool, input as object, hand)
    if (result.isError === true) throw new ToolFailed('TOOL_ERROR', {}, { cause: { content: result.content } })
    if (outputSchema === undefined) return { content: result.content }
    if (result.structuredContent === undefined) throw new ToolFailed('NO_DATA')
    return result.structuredContent
  })
}

const DEEPEST = 40

/** What is elsewhere is not fetched, and what is nested without end is not walked. @throws Error */
function refuseForeign(schema: unknown, depth = 0): void {
  if (typeof schema !== 'object' || schema === null) return
  if (depth > DEEPEST) throw new Error('its schema is nested too deeply')
  for (const [key, part] of Object.entries(schema)) {
    if (/^\$(ref|dynamicRef)$/.test(key) && typeof part === 'string' && !part.startsWith('#')) {
      throw new Error('its schema refers to another document')
    }
    refuseForeign(part, depth + 1)
  }
}

function withoutDialect(schema: Record<string, unknown>) {
  return Object.fromEntries(Object.entries(schema).filter(([key]) => key !== '$schema'))
}

/** Of what the runner refuses, what it is; of what a library says, that it is so. */
function reasonOf(error: unknown): string {
  const said = error instanceof Error ? error.message : ''
  return /^(its|the name) /.test(said) ? said : 'its schema holds what is not understood here'
}
