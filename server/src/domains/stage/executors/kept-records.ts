/** The records of a card as they are now: what its newest runs of each kind have left. */
import { Refusal, type Tx } from '@millrace/engine'

interface Kept {
  readonly run: number | null
  /** From 1, within its run. */
  readonly n: number
  readonly at: Date
}

export interface Hypothesis extends Kept {
  readonly title: string
  readonly belief: string
  readonly audience: string
  readonly because: string
  readonly metric: string
  readonly evidence: readonly string[]
  readonly against: string | null
  readonly confidence: 'high' | 'medium' | 'low'
}

export interface Prototype extends Kept {
  readonly name: string
  readonly question: string
  readonly chosen: string
  readonly components: readonly Readonly<Record<string, unknown>>[]
  readonly stories: readonly Readonly<Record<string, unknown>>[]
}

export interface Ticket extends Kept {
  readonly id: number
  readonly title: string
  readonly type: 'feature' | 'bug' | 'chore' | 'spike'
  readonly description: string
  readonly acceptance: readonly string[]
  readonly points: number
  readonly priority: 'urgent' | 'high' | 'medium' | 'low'
  /** Numbers of tickets that come before it. */
  readonly dependsOn: readonly number[]
}

export interface Vote {
  readonly persona: string
  /** From 1. */
  readonly vote: number
  readonly stance: 'approve' | 'conditional' | 'reject'
  readonly reason: string
  readonly concern: string
  readonly blocking: boolean
  readonly suggestion: string
}

export interface Jury extends Kept {
  /** 0 to 100, as are `low` and `high`. */
  readonly score: number
  readonly low: number
  readonly high: number
  readonly method: string
  readonly verdict: 'pass' | 'conditional' | 'fail'
  readonly personas: readonly Readonly<Record<string, unknown>>[]
  readonly concerns: readonly Readonly<Record<string, unknown>>[]
  readonly suggestions: readonly Readonly<Record<string, unknown>>[]
  readonly votes: readonly Vote[]
}

export interface Records {
  readonly hypotheses: readonly Hypothesis[]
  readonly prototypes: readonly Prototype[]
  readonly tickets: readonly Ticket[]
  /** The last verdict. */
  readonly jury: Jury | null
}

const OF = 'run_id as run, n, at'
const WHERE = 'where card_id = $1 and current order by task, n'
const HYPOTHESES = `select ${OF}, title, belief, audience, because, metric, evidence, against, confidence from stage.hypotheses ${WHERE}`
const PROTOTYPES = `select ${OF}, name, question, chosen, components, stories from stage.prototypes ${WHERE}`
const TICKETS = `select ${OF}, id, title, type, description, acceptance, points, priority, depends_on as "dependsOn" from stage.tickets ${WHERE}`
const JURY = `
  select ${OF}, score, low, high, method, verdict, personas, concerns, suggestions,
         (select jsonb_agg(jsonb_build_object('persona', v.persona, 'vote', v.vote, 'stance', v.stance, 'reason', v.reason,
                   'concern', v.concern, 'blocking', v.blocking, 'suggestion', v.suggestion) order by v.persona, v.vote)
            from stage.jury_votes v where v.evaluation_id = e.id) as votes
    from stage.jury_evaluations e where card_id = $1 and current order by task desc, n desc limit 1`

/** @throws Refusal NO_SUCH_CARD */
export async function recordsOfCard(tx: Tx, card: number): Promise<Records> {
  const there = await tx.query('select 1 from stage.cards where id = $1', [card])
  if (there.rows.length === 0) throw new Refusal('NO_SUCH_CARD', `There is no card ${card}.`)
  const all = async (text: string) => (await tx.query(text, [card])).rows as unknown[]
  return {
    hypotheses: (await all(HYPOTHESES)) as Hypothesis[],
    prototypes: (await all(PROTOTYPES)) as Prototype[],
    tickets: (await all(TICKETS)) as Ticket[],
    jury: ((await all(JURY))[0] as Jury | undefined) ?? null,
  }
}
