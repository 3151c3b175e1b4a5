/**
 * What somebody has accepted of a server of tools: the words and schemas of each, in a
 * file beside the server's own.  At first sight all of it is; what changes later is not
 * used until an operator has said so, for a description is read by models.
 */
import { createHash, randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { z } from 'zod'

const told = z.object({
  name: z.string().min(1).max(128),
  title: z.string().optional(),
  description: z.string().default(''),
  inputSchema: z.record(z.string(), z.unknown()),
  outputSchema: z.record(z.string(), z.unknown()).optional(),
  annotations: z.record(z.string(), z.unknown()).optional(),
})
export type Told = z.output<typeof told>

/** Characters of one tool's words and schemas. */
const LARGEST = 64 * 1024
export const MOST_TOOLS = 200

/** Undefined for what is no tool, or is larger than one may be. */
export function toldOf(tool: unknown): Told | undefined {
  const read = told.safeParse(tool)
  return read.success && JSON.stringify(read.data).length <= LARGEST ? read.data : undefined
}

/** Of all that is said of it, in whatever order. */
export function digestOf(tool: Told): string {
  return `sha256:${createHash('sha256').update(ordered(tool)).digest('hex')}`
}

function ordered(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  )
}

const document = z.object({ accepted: z.array(told.extend({ digest: z.string() })) })
export type Accepted = z.output<typeof document>['accepted']

/** Undefined before the first sight. @throws Error where the file is not what was written */
export async function readAccepted(path: string): Promise<Accepted | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  const read = document.safeParse(JSON.parse(text))
  if (!read.success || read.data.accepted.some(({ digest, ...tool }) => digestOf(tool) !== digest)) {
    throw new Error('what was accepted is damaged: remove the file ending in .mcp.lock, or accept anew')
  }
  return read.data.accepted
}

/** Whole or not at all; at first sight never over what another program has just written. */
export async function writeAccepted(path: string, tools: readonly Told[], how: 'first' | 'anew'): Promise<Accepted> {
  const accepted = tools.map((tool) => ({ ...tool, digest: digestOf(tool) }))
  const half = `${path}.${randomUUID()}`
  await writeFile(half, `${JSON.stringify({ accepted }, null, 2)}\n`, { mode: 0o644 })
  try {
    if (how === 'anew') await rename(half, path)
    else await link(half, path)
    return accepted
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return (await readAccepted(path)) ?? accepted
  } finally {
    await rm(half, { force: true })
  }
}

export interface Change {
  readonly tool: string
  readonly how: 'new' | 'changed' | 'gone'
}

export function changesSince(accepted: Accepted, now: readonly Told[]): Change[] {
  const before = new Map(accepted.map(({ name, digest }) => [name, digest]))
  const names = new Set(now.map(({ name }) => name))
  return [
    ...now.flatMap((tool): Change[] => {
      const digest = before.get(tool.name)
      if (digest === digestOf(tool)) return []
      return [{ tool: tool.name, how: digest === undefined ? 'new' : 'changed' }]
    }),
    ...accepted.filter(({ name }) => !names.has(name)).map(({ name }): Change => ({ tool: name, how: 'gone' })),
  ]
}
