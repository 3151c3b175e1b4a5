/** What is answered about boards, as schemas: the contract, and what keeps other fields from going out. */
import { z } from 'zod'
import { settingsSchema, stageSchema } from '../domains/stage/board.ts'
import { AWAITS, CARD_STATUSES, PRIORITIES } from '../domains/stage/cards.ts'
import { NOTICES } from '../domains/stage/notices.ts'
import { STATUSES } from './words.ts'

const LEVELS = ['fully_auto', 'auto_notify', 'human_approval', 'manual'] as const
const actor = z.string().describe('user:… · automation · worker:…')
const awaits = z.enum(AWAITS).nullable().describe('What it waits for, while it awaits a person.')

export const cardHead = z
  .object({
    id: z.int(),
    workspace: z.int(),
    title: z.string(),
    stage: z.string(),
    priority: z.enum(PRIORITIES),
    status: z.enum(CARD_STATUSES),
    version: z.int().describe('Give it back with a change or a move: it says which state was read.'),
    enteredAt: z.date().describe('When it came into its stage.'),
    updatedAt: z.date(),
    run: z
      .object({
        id: z.int(),
        status: z.enum(STATUSES),
        awaits,
        active: z.boolean().describe('No other run begins for this card and stage while it is.'),
        percent: z.int(),
        failure: z.string().nullable().describe('Code of the failure.'),
      })
      .nullable()
      .describe('The newest run of this card in the stage in which it is.'),
    openQuestions: z.int(),
  })
  .meta({ id: 'CardHead', description: 'A card, as it stands on the board.' })

export const card = cardHead
  .extend({
    description: z.string(),
    metadata: z.record(z.string(), z.unknown()),
    activeRun: z.int().nullable(),
    createdBy: actor,
    createdAt: z.date(),
  })
  .meta({ id: 'Card' })

export const transition = z
  .object({
    id: z.int(),
    from: z.string().nullable().describe('Null: the card was made there.'),
    to: z.string(),
    actor,
    reason: z.string().nullable(),
    run: z.int().nullable().describe('The run that the arrival began.'),
    notStarted: z
      .string()
      .nullable()
      .describe(
        'Why it began none: ai_off, card_not_active, no_recipe, recipe_disabled, manual_mode, past_stop_stage, manual_level, reverted.',
      ),
    causedBy: z.int().nullable().describe('The run whose end moved the card.'),
    at: z.date(),
  })
  .meta({ id: 'Transition', description: 'How a card came into a stage.' })

export const column = stageSchema
  .extend({
    count: z.int().describe('All its cards that are not archived.'),
    busy: z.int().describe('Of them, those with a run that is under way or waits.'),
    cards: z.array(cardHead).describe('The first ones; `GET /api/cards?stage=…&cursor=…` goes on.'),
    next: z.string().nullable().describe('Cursor for `GET /api/cards` with this stage; null: all are here.'),
  })
  .meta({ id: 'Column' })

export const storedSettings = settingsSchema
  .extend({
    version: z.int(),
    changedBy: actor,
    changedAt: z.date(),
    file: z
      .object({
        path: z.string(),
        state: z.enum(['none', 'same', 'taken', 'refused']),
        problems: z.array(z.string()),
        ignored: z.array(z.string()).describe('Names in it that are no settings of a board.'),
      })
      .nullable()
      .describe('settings.json in the folder of the workspace; null for workspaces that have none.'),
  })
  .meta({ id: 'BoardSettings' })

export const question = z
  .object({
    id: z.int(),
    stage: z.string(),
    run: z.int().nullable().describe('The run that waits for its answer.'),
    gate: z.string().nullable().describe('The gate that asked; null: a person did.'),
    question: z.string(),
    answer: z.string().nullable(),
    answeredBy: z.string().nullable(),
    askedAt: z.date(),
    answeredAt: z.date().nullable(),
  })
  .meta({ id: 'Question' })

const gateVerdict = z
  .looseObject({ id: z.string(), required: z.boolean(), passed: z.boolean() })
  .meta({ id: 'GateVerdict', description: 'What one gate said; its evidence is with the gates of the card.' })

/** What the board knows about a run besides. */
export const cardRun = z
  .object({
    card: z.object({ id: z.int(), title: z.string(), version: z.int() }),
    stage: z.string(),
    level: z.enum(LEVELS),
    triggeredBy: actor,
    awaits,
    needs: z.enum(['level', 'trust']).nullable().describe('Why it was not begun by itself.'),
    digest: z.string().describe('Of its steps and gates: what an approval is for.'),
    active: z.boolean(),
    reason: z.string().nullable().describe('Why it was ended, by whoever ended it.'),
  })
  .meta({ id: 'CardRun', description: 'Of a stage run: its card, and what it waits for.' })

export const waiting = cardRun
  .extend({
    run: z.int(),
    awaits: z.enum(AWAITS),
    since: z.date(),
    gates: z.array(gateVerdict).describe('What the gates said last; empty before they were looked at.'),
    openQuestions: z.int(),
  })
  .meta({ id: 'WaitingRun' })

export const decided = z
  .object({
    id: z.int(),
    what: z.enum(AWAITS),
    decision: z.enum(['approved', 'rejected', 'again']),
    by: z.string(),
    reason: z.string().nullable(),
    seen: z.record(z.string(), z.unknown()).describe('digest, cardVersion, and what the gates had said.'),
    at: z.date(),
  })
  .meta({ id: 'Decision', description: 'What a person said about a run that waited.' })

export const notice = z
  .object({
    id: z.int(),
    workspace: z.int(),
    kind: z.enum(NOTICES),
    card: z.object({ id: z.int(), title: z.string() }),
    run: z.int().nullable(),
    stage: z.string(),
    data: z.record(z.string(), z.unknown()),
    sentence: z.string(),
    at: z.date(),
    read: z.boolean(),
  })
  .meta({ id: 'Notification' })

export const webhook = z
  .object({
    id: z.int(),
    url: z.string(),
    kinds: z.array(z.enum(NOTICES)).describe('Empty: all.'),
    enabled: z.boolean(),
    createdBy: z.string(),
    createdAt: z.date(),
    last: z
      .object({ status: z.int().nullable(), deliveredAt: z.string().nullable(), run: z.int() })
      .nullable()
      .describe('Of what was sent last.'),
  })
  .meta({ id: 'Webhook' })

export const delivery = z
  .object({
    id: z.int(),
    notification: z.int(),
    kind: z.enum(NOTICES),
    run: z.int().describe('Its retry sends once more.'),
    runStatus: z.enum(STATUSES),
    status: z.int().nullable().describe('Of the last answer.'),
    deliveredAt: z.date().nullable(),
    createdAt: z.date(),
  })
  .meta({ id: 'Delivery' })
