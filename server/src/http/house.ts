/** What the routes stand on, and the small shapes that they share. */
import type { Readable } from 'node:stream'
import { Refusal, type AnyRunKind, type Engine, type Principal } from '@millrace/engine'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { analysisRun } from '../domains/probe/analysis/analyse.ts'
import type { AskOptions } from '../domains/diagnosis/runs.ts'
import type { Accesses } from '../domains/probe/accesses.ts'
import type { chatRun } from '../domains/chat/chat.ts'
import type { probeRun } from '../domains/probe/run.ts'
import type { ToolRun } from '../domains/tool/run.ts'
import { lengthsSeen } from '../domains/probe/forecast.ts'
import type { Known } from '../domains/probe/start.ts'
import type { CardHead } from '../domains/stage/cards.ts'
import type { Notice } from '../domains/stage/notices.ts'
import type { Home } from '../domains/stage/settings-file.ts'
import type { FoundRun } from '../runs/find-runs.ts'
import type { Keys } from '../keys/keys.ts'
import type { Prices } from '../prices/prices.ts'
import { PRIORITY, type Priority } from '../runs/priority.ts'
import type { Catalogue } from '../providers/catalogue.ts'
import type { ProviderHealth } from '../providers/health.ts'
import type { Skills } from '../skills/open.ts'
import type { Python } from '../tools/python/python.ts'
import type { Boards } from './boards.ts'
import { signedIn } from './door.ts'
import type { Feeds } from './feeds.ts'

/** Everything that is opened with the database. */
export interface House {
  readonly engine: Engine
  /** Connections of their own for what is read for long. */
  readonly exports: Pick<Engine, 'as'>
  readonly kinds: readonly AnyRunKind[]
  readonly probe: ReturnType<typeof probeRun>
  readonly probeAnalysis: ReturnType<typeof analysisRun>
  readonly chat: ReturnType<typeof chatRun>
  readonly keys: Keys
  readonly diagnosis: AskOptions
  readonly tool: ToolRun
  readonly catalogue: Catalogue
  readonly prices: Prices
  readonly python: Pick<Python, 'health'>
  readonly skills: Skills
  readonly accesses: Accesses
  readonly feeds: Feeds
  readonly boards: Boards<FoundRun>
  readonly cards: Boards<CardHead>
  readonly notices: Boards<Notice>
  /** The workspace whose files lie here. */
  readonly home: Home
  /** Never throws, pays for nothing, and remembers for a while. */
  /** True: asked again now, whatever is kept. */
  readonly providerHealth: (fresh?: boolean) => Promise<{ readonly providers: readonly ProviderHealth[] }>
}

/** What a forecast and a check before a start stand on. */
export function knownTo({ engine, catalogue, prices, python }: House, who: Principal): Known {
  return { prices, python, seen: (models) => lengthsSeen(engine, who, models, catalogue) }
}

/** Throws STARTING until it is opened. */
export type Opened = () => House

const PRIORITY_WORDS = ['low', 'normal', 'high', 'LOW', 'NORMAL', 'HIGH'] as const
export const priorityWord = z.enum(PRIORITY_WORDS).describe('Before or after other runs.')

export function priorityOf(word: (typeof PRIORITY_WORDS)[number]): number {
  return PRIORITY[word.toLowerCase() as Priority]
}

const MOST = Number.MAX_SAFE_INTEGER
export const id = z.coerce.number().int().min(1).max(MOST)
const INT4 = 2_147_483_647
/** The number of a task or a version: an integer of PostgreSQL. */
export const small = z.coerce.number().int().min(1).max(INT4)
export const runParams = z.strictObject({ id: id.describe('Number of the run.') })

/** Yes or no in a query. */
export const flag = z
  .enum(['true', 'false', '1', '0'])
  .default('false')
  .transform((word) => word === 'true' || word === '1')

/** What comes as a stream. */
export const file = z.custom<Readable>().meta({ type: 'string', format: 'binary' })

/** A page of at most `limit` things, after the cursor that the page before gave. */
export const page = {
  limit: z.coerce.number().int().min(1).max(500).default(50),
  cursor: z.string().max(200).optional().describe('`next` of the page before.'),
}

export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({
    items: z.array(item),
    next: z.string().nullable().describe('Cursor of the next page; null after the last.'),
  })
}

/** A cursor says after which number to go on; its text is nobody's business. */
export function cursorOf(after: number): string {
  return Buffer.from(`n${after}`).toString('base64url')
}

/** @throws Refusal INVALID_CURSOR */
export function afterOf(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined
  const [, digits] = /^n(-?\d{1,15})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1')) ?? []
  if (digits === undefined) throw new Refusal('INVALID_CURSOR', 'Give the cursor as the page before gave it.')
  return Number(digits)
}

/** Of one more than were asked for: the page, and where the next begins. */
export function cut<T>(
  found: readonly T[],
  limit: number,
  place: (item: T) => number,
): { items: T[]; next: string | null } {
  const items = found.slice(0, limit)
  const last = items.at(-1)
  return { items, next: found.length > limit && last !== undefined ? cursorOf(place(last)) : null }
}

export const who = (request: FastifyRequest): Principal => signedIn(request).principal

/**
 * Where new things go: the workspace that the header names, or the only one, or
 * the first by number.
 * @throws Refusal INVALID_WORKSPACE
 */
export function workspaceOf(request: FastifyRequest): number {
  return workspaceNamed(who(request), request.headers['x-millrace-workspace'])
}

/** @throws Refusal INVALID_WORKSPACE */
export function workspaceNamed({ workspaces }: Principal, named: string | string[] | undefined): number {
  const mine = Object.keys(workspaces)
    .map(Number)
    .sort((a, b) => a - b)
  const wanted = named === undefined ? mine[0] : mine.find((workspace) => String(workspace) === named)
  if (wanted !== undefined) return wanted
  throw new Refusal(
    'INVALID_WORKSPACE',
    named === undefined ? 'You are in no workspace.' : 'You are not in that workspace.',
  )
}

/**
 * The workspace that is spoken of: the one that is named, or as for new things.
 * @throws Refusal INVALID_WORKSPACE, NOT_ALLOWED
 */
export function workspaceAsked(request: FastifyRequest, named: number | undefined): number {
  if (named === undefined) return workspaceOf(request)
  if (Object.hasOwn(who(request).workspaces, named)) return named
  throw new Refusal('NOT_ALLOWED', 'You are not in that workspace.')
}

/** Undefined fields are left out, as exact optional types want it. */
export function given<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}
