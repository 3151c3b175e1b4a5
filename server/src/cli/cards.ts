/** `millrace cards …`: what a person does with cards. */
import { readFile } from 'node:fs/promises'
import { Refusal } from '@millrace/engine'
import { operator, WORKSPACE, type App } from '../app.ts'
import { runNow } from '../domains/stage/approvals.ts'
import {
  addCard,
  answerQuestion,
  cardOf,
  changeCard,
  listCards,
  moveCard,
  questionsOf,
  transitionsOf,
  type Card,
  type CardHead,
  type Transition,
} from '../domains/stage/cards.ts'
import { say, table, when } from './screen.ts'
import { withApp } from './session.ts'

interface Json {
  readonly json?: boolean
}

/** One word for what runs on a card. */
export function runWord({ run }: Pick<CardHead, 'run'>): string {
  if (run === null) return ''
  const waits = run.awaits === null ? run.status : `awaits ${run.awaits}`
  return `run ${run.id} ${waits}${run.failure === null ? '' : ` ${run.failure}`}`
}

export async function listAll(
  options: Json & { stage?: string; status?: string; search?: string; limit: number },
): Promise<number> {
  return withApp(async ({ engine }) => {
    const { json, ...filter } = options
    const found = await listCards(engine, operator, { workspace: WORKSPACE, ...filter })
    if (json === true) say(JSON.stringify(found))
    else if (found.length === 0) say('There is no such card. `millrace cards add "A title"` puts one on the board.')
    else
      say(
        table(
          ['card', 'stage', 'priority', 'status', 'run', 'title'],
          found.map((card) => [card.id, card.stage, card.priority, card.status, runWord(card), card.title]),
        ),
      )
    return 0
  })
}

export async function showCard(id: number, options: Json): Promise<number> {
  return withApp(async ({ engine }) => {
    const card = await cardOf(engine, operator, id)
    const [questions, transitions] = await Promise.all([
      questionsOf(engine, operator, id),
      transitionsOf(engine, operator, id, { limit: 20 }),
    ])
    if (options.json === true) {
      say(JSON.stringify({ card, questions, transitions }))
      return 0
    }
    say(`Card ${id}: ${card.title}`)
    say(`In ${card.stage} since ${when(card.enteredAt)}, ${card.status}, priority ${card.priority}.`)
    if (card.run !== null) say(`Its ${runWord(card)}.`)
    if (card.description !== '') say(`\n${card.description}`)
    if (questions.length > 0) say()
    for (const { id: number, question, answer } of questions) {
      say(`  question ${number}: ${question}`)
      say(answer === null ? '    no answer yet' : `    ${answer}`)
    }
    say()
    say(
      table(
        ['when', 'from', 'to', 'by', 'run', 'why'],
        transitions.map((one) => [
          when(one.at),
          one.from ?? '',
          one.to,
          one.actor,
          one.run ?? '',
          one.reason ?? one.notStarted ?? '',
        ]),
      ),
    )
    return 0
  })
}

interface Text {
  readonly description?: string
  readonly descriptionFile?: string
}

async function descriptionOf({ description, descriptionFile: path }: Text): Promise<string | undefined> {
  if (path === undefined) return description
  return readFile(path, 'utf8').catch((cause: unknown) => {
    throw new Refusal('CANNOT_READ_FILE', `The file ${path} cannot be read.`, { cause })
  })
}

export async function add(
  title: string,
  options: Json & Text & { stage?: string; priority?: string },
): Promise<number> {
  return withApp(async ({ engine }) => {
    const { stage, priority } = options
    const description = await descriptionOf(options)
    const made = await addCard(engine, operator, WORKSPACE, {
      title,
      ...(description === undefined ? {} : { description }),
      ...(stage === undefined ? {} : { stage }),
      ...(priority === undefined ? {} : { priority }),
    })
    if (options.json === true) say(JSON.stringify(made))
    else say(`Card ${made.card} is on the board.${made.run === null ? '' : ` Run ${made.run} has begun.`}`)
    return 0
  })
}

export async function edit(
  id: number,
  options: Json & Text & { title?: string; priority?: string; status?: string; cancelRun?: boolean },
): Promise<number> {
  return withApp(async ({ engine }) => {
    const { title, priority, status, cancelRun: cancelActiveRun = false } = options
    const changes = { title, priority, status, description: await descriptionOf(options) }
    const { version } = await cardOf(engine, operator, id)
    const card = await changeCard(engine, operator, id, changes, { version, cancelActiveRun })
    tell(card, options)
    return 0
  })
}

export async function move(
  id: number,
  to: string,
  options: Json & { reason?: string; before?: number; cancelRun?: boolean },
): Promise<number> {
  return withApp(async ({ engine }: App) => {
    const { json, cancelRun: cancelActiveRun = false, ...rest } = options
    const { version } = await cardOf(engine, operator, id)
    const moved = await moveCard(engine, operator, id, { to, version, cancelActiveRun, ...rest })
    if (json === true) say(JSON.stringify({ card: await cardOf(engine, operator, id), transition: moved }))
    else say(movedLine(id, to, moved))
    return 0
  })
}

const NOT_STARTED: Readonly<Record<string, string>> = {
  ai_off: 'aiExecutionMode is off',
  card_not_active: 'the card is not active',
  no_recipe: 'the stage has no recipe',
  recipe_disabled: 'its recipe is disabled',
  manual_mode: 'automationMode is manual',
  past_stop_stage: 'it is behind automationStopStage',
  manual_level: 'it is manual; `millrace cards run` starts it',
}

function movedLine(id: number, to: string, moved: Transition | null): string {
  if (moved === null) return `Card ${id} has another place in ${to}.`
  if (moved.run !== null) return `Card ${id} is in ${to}. Run ${moved.run} is its work there.`
  const why = NOT_STARTED[moved.notStarted ?? '']
  return `Card ${id} is in ${to}. Nothing was started${why === undefined ? '' : `: ${why}`}.`
}

export async function run(id: number, options: Json): Promise<number> {
  return withApp(async ({ engine }) => {
    const begun = await runNow(engine, operator, { card: id })
    if (options.json === true) say(JSON.stringify(begun))
    else say(begun.created ? `Run ${begun.run} has begun.` : `Run ${begun.run} was there already.`)
    return 0
  })
}

export async function answer(id: number, question: number, text: string, options: Json): Promise<number> {
  return withApp(async ({ engine }) => {
    const answered = await answerQuestion(engine, operator, { card: id, question, answer: text })
    if (options.json === true) say(JSON.stringify(answered))
    else say(answered.run === null ? 'Answered.' : `Answered. \`millrace approvals retry ${answered.run}\` goes on.`)
    return 0
  })
}

function tell(card: Card, { json }: Json) {
  if (json === true) say(JSON.stringify(card))
  else say(`Card ${card.id} is ${card.status} in ${card.stage}: ${card.title}`)
}
