/**
 * A panel: a skill that is asked not once but by many.  Its folder says who sits in it
 * (`panel.yaml`) and what one vote is (a JSON Schema); each persona votes several times,
 * and what comes of the votes is counted here, without asking anybody.
 */
import { parse } from 'yaml'
import { z } from 'zod'
import { stepFailed } from '../steps/failures.ts'

export const PANEL_FILE = 'panel.yaml'

const text = z.string().min(1).max(1_000)
const persona = z.strictObject({
  name: z.string().min(1).max(120),
  /** Its part of the whole, compared with the others. */
  weight: z.number().positive().max(1_000),
  role: text,
  disposition: text,
  cares_about: text,
  fears: text,
})
export type Persona = z.output<typeof persona>

export const panelSchema = z
  .strictObject({
    /** Of each persona. */
    votes: z.int().min(1).max(15),
    /** Scores, 0 to 100: from the one on it passes, below the other it fails. */
    pass: z.number().min(0).max(100),
    fail: z.number().min(0).max(100),
    /** Where the model takes one: several votes of one persona are to differ. */
    temperature: z.number().min(0).max(2).optional(),
    /** The schema of one vote: a file of the skill. */
    vote: z.string().min(1).max(200),
    personas: z.array(persona).min(1).max(50),
  })
  .refine(({ pass, fail }) => fail <= pass, { path: ['fail'], message: 'it is above pass' })
  .refine(({ personas }) => new Set(personas.map(({ name }) => name)).size === personas.length, {
    path: ['personas'],
    message: 'two have one name',
  })
export type Panel = z.output<typeof panelSchema>

/** Whatever else the schema of a vote asks for: this is what is counted. */
const voteSchema = z.object({
  stance: z.enum(['approve', 'conditional', 'reject']),
  reason: z.string(),
  concern: z.string(),
  blocking: z.boolean(),
  suggestion: z.string(),
})
type Vote = z.output<typeof voteSchema>

export interface Ballot extends Vote {
  readonly persona: string
  /** From 1. */
  readonly vote: number
}

export interface Verdict {
  /** 0 to 100, as are `low` and `high`; one decimal. */
  readonly score: number
  readonly low: number
  readonly high: number
  readonly method: string
  readonly verdict: 'pass' | 'conditional' | 'fail'
  readonly jurors: number
  readonly votes: number
  readonly personas: readonly PersonaVotes[]
  readonly concerns: readonly Raised[]
  readonly suggestions: readonly { readonly suggestion: string; readonly raised_by: string }[]
  readonly ballots: readonly Ballot[]
}

interface PersonaVotes {
  readonly name: string
  readonly weight: number
  readonly score: number
  readonly approve: number
  readonly conditional: number
  readonly reject: number
}

interface Raised {
  readonly concern: string
  readonly raised_by: string
  readonly blocking: boolean
  /** The part of the jury that raised it, 0 to 1. */
  readonly weight: number
}

/** @throws TaskFailed INVALID_PANEL with the names of what is wrong */
export function readPanel(given: string): Panel {
  const read = panelSchema.safeParse(parsed(given))
  if (read.success) return read.data
  throw stepFailed(
    'INVALID_PANEL',
    read.error.issues.map(({ path }) => path.map(String).join('.') || PANEL_FILE),
  )
}

/** @throws TaskFailed INVALID_PANEL */
export function readVoteSchema(given: string | undefined, name: string): Readonly<Record<string, unknown>> {
  const read = z.record(z.string(), z.unknown()).safeParse(parsed(given ?? ''))
  if (read.success && read.data['type'] === 'object') return read.data
  throw stepFailed('INVALID_PANEL', [name])
}

/** JSON is YAML too; no aliases, so that a small file stays small. */
function parsed(given: string): unknown {
  try {
    return parse(given, { maxAliasCount: 0 })
  } catch {
    return undefined
  }
}

/** How a vote is asked for; the same panel gives the same seeds. */
export interface Cast {
  readonly persona: Persona
  readonly vote: number
  readonly seed: number
}

const AT_ONCE = 4

/** @throws TaskFailed INVALID_OUTPUT; what `cast` throws */
export async function holdPanel(panel: Panel, cast: (how: Cast) => Promise<unknown>): Promise<Verdict> {
  const wanted = panel.personas.flatMap((one, p) =>
    Array.from({ length: panel.votes }, (_, v): Cast => ({ persona: one, vote: v + 1, seed: p * panel.votes + v + 1 })),
  )
  const ballots: Ballot[] = []
  for (let at = 0; at < wanted.length; at += AT_ONCE) {
    ballots.push(...(await Promise.all(wanted.slice(at, at + AT_ONCE).map((how) => ballotOf(how, cast)))))
  }
  return countVotes(panel, ballots)
}

async function ballotOf(how: Cast, cast: (how: Cast) => Promise<unknown>): Promise<Ballot> {
  const read = voteSchema.safeParse(await cast(how))
  if (read.success) return { persona: how.persona.name, vote: how.vote, ...read.data }
  throw stepFailed(
    'INVALID_OUTPUT',
    read.error.issues.map(({ path }) => path.map(String).join('.') || '$'),
  )
}

const WORTH = { approve: 1, conditional: 0.5, reject: 0 } as const
/** Of the normal distribution, for 95 %. */
const Z = 1.959964
const METHOD = '95% Wilson interval'
const MOST_RAISED = 10

/**
 * The score is the weighted mean of the personas' means.  The interval is Wilson's, with
 * the effective number of votes (Kish): it stays between 0 and 100, and is wide for a
 * small or lopsided jury, also for one that agrees.
 */
export function countVotes(panel: Panel, ballots: readonly Ballot[]): Verdict {
  const whole = panel.personas.reduce((sum, { weight }) => sum + weight, 0)
  const counted = panel.personas.map(({ name, weight }) => {
    const own = ballots.filter((ballot) => ballot.persona === name)
    const count = (stance: Vote['stance']) => own.filter((ballot) => ballot.stance === stance).length
    const mean = own.reduce((sum, { stance }) => sum + WORTH[stance], 0) / own.length
    return { name, part: weight / whole, mean, own, count }
  })
  const share = counted.reduce((sum, { part, mean }) => sum + part * mean, 0)
  const effective = 1 / counted.reduce((sum, { part, own }) => sum + part ** 2 / own.length, 0)
  const [low, high] = wilson(share, effective)
  const score = rounded(share * 100, 1)
  const against = counted.some(
    ({ own, count }) =>
      count('reject') * 2 > own.length || own.filter(({ blocking }) => blocking).length * 2 > own.length,
  )
  const partOf = new Map(counted.map(({ name, part, own }) => [name, part / own.length]))
  return {
    score,
    low: rounded(low * 100, 1),
    high: rounded(high * 100, 1),
    method: METHOD,
    verdict: score < panel.fail ? 'fail' : score >= panel.pass && !against ? 'pass' : 'conditional',
    jurors: panel.personas.length,
    votes: ballots.length,
    personas: counted.map(({ name, part, mean, count }) => ({
      name,
      weight: rounded(part, 3),
      score: rounded(mean * 100, 1),
      approve: count('approve'),
      conditional: count('conditional'),
      reject: count('reject'),
    })),
    concerns: raised(ballots, ({ concern }) => concern, partOf).map(({ said, by, blocking, weight }) => ({
      concern: said,
      raised_by: by,
      blocking,
      weight,
    })),
    suggestions: raised(ballots, ({ suggestion }) => suggestion, partOf).map(({ said, by }) => ({
      suggestion: said,
      raised_by: by,
    })),
    ballots,
  }
}

function wilson(share: number, votes: number): readonly [number, number] {
  const spread = Z ** 2 / votes
  const middle = (share + spread / 2) / (1 + spread)
  const half = (Z / (1 + spread)) * Math.sqrt((share * (1 - share)) / votes + spread / (4 * votes))
  return [Math.max(0, middle - half), Math.min(1, middle + half)]
}

/** What was said in the same words is one thing; the heaviest first. */
function raised(ballots: readonly Ballot[], of: (ballot: Ballot) => string, partOf: ReadonlyMap<string, number>) {
  const groups = Map.groupBy(
    ballots.filter((ballot) => !/^(none|nothing)?$/.test(plain(of(ballot)))),
    (ballot) => plain(of(ballot)),
  )
  return [...groups.values()]
    .map((own) => ({
      said: of(own[0] as Ballot),
      by: [...new Set(own.map(({ persona: name }) => name))].join(', '),
      blocking: own.some(({ blocking }) => blocking),
      weight: rounded(
        own.reduce((sum, ballot) => sum + (partOf.get(ballot.persona) ?? 0), 0),
        3,
      ),
    }))
    .toSorted((a, b) => b.weight - a.weight || (a.said < b.said ? -1 : 1))
    .slice(0, MOST_RAISED)
}

function plain(said: string): string {
  return said
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}]+/gu, ' ')
    .trim()
}

function rounded(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits
}
