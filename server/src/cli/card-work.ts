/** `millrace cards documents | write | records | follow`: what hangs on a card, and what becomes of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine } from '@millrace/engine'
import { operator } from '../app.ts'
import { mustSeeCard } from '../domains/stage/artifacts.ts'
import { cardOf, questionsOf, type Card } from '../domains/stage/cards.ts'
import { documentAt, documentsOf, writeDocument } from '../domains/stage/documents/documents.ts'
import { recordsOfCard, type Records } from '../domains/stage/executors/kept-records.ts'
import { performAll } from '../performing.ts'
import { reporter } from '../report.ts'
import { runWord } from './cards.ts'
import { readTextFile } from './read-file.ts'
import { remark, say, table, when } from './screen.ts'
import { onInterrupt, withApp } from './session.ts'

interface Json {
  readonly json?: boolean
}

export async function documents(card: number, path: string | undefined, { json }: Json): Promise<number> {
  return withApp(async ({ engine }) => {
    if (path !== undefined) {
      const found = await engine.as(operator, (tx) => documentAt(tx, card, path))
      if (json === true) say(JSON.stringify(found))
      else say(found.content.trimEnd())
      return 0
    }
    const found = await engine.as(operator, async (tx) => {
      await mustSeeCard(tx, card)
      return documentsOf(tx, card)
    })
    if (json === true) say(JSON.stringify(found))
    else if (found.length === 0) say('This card has no documents yet.')
    else
      say(
        table(
          ['document', 'version', 'changed'],
          found.map((one) => [one.path, one.version, when(one.updatedAt)]),
        ),
      )
    return 0
  })
}

export async function write(card: number, path: string, file: string): Promise<number> {
  const text = await readTextFile(file, {
    what: 'a document',
    missing: 'Name a file of text.',
    tooLarge: 'Split it into several documents.',
  })
  return withApp(async ({ engine }) => {
    const version = await engine.as(operator, async (tx) => {
      await mustSeeCard(tx, card)
      const before = (await documentsOf(tx, card)).find((one) => one.path === path)
      return writeDocument(tx, card, path, text, before?.version ?? 0)
    })
    say(`${path} of card ${card} is at version ${version}.`)
    return 0
  })
}

export async function records(card: number, { json }: Json): Promise<number> {
  return withApp(async ({ engine }) => {
    const found = await engine.as(operator, (tx) => recordsOfCard(tx, card))
    if (json === true) say(JSON.stringify(found))
    else show(found)
    return 0
  })
}

function show({ hypotheses, prototypes, jury, tickets }: Records): void {
  if (hypotheses.length + prototypes.length + tickets.length === 0 && jury === null) say('No skill has left any yet.')
  if (hypotheses.length > 0) {
    say(
      table(
        ['hypothesis', 'confidence', 'title'],
        hypotheses.map((one) => [one.n, one.confidence, one.title]),
      ),
    )
    say()
  }
  for (const { name, question } of prototypes) say(`Prototype: ${name}. ${question}\n`)
  if (jury !== null) {
    const { verdict, score, low, high, method, votes, personas } = jury
    say(
      `Jury: ${verdict}, ${score} of 100, between ${low} and ${high} (${method}, ${votes.length} votes of ${personas.length} personas).`,
    )
    for (const one of jury.concerns) say(`  ${String(one['concern'])} (${String(one['raised_by'])})`)
    say()
  }
  if (tickets.length > 0) {
    say(
      table(
        ['ticket', 'type', 'points', 'priority', 'after', 'title'],
        tickets.map((one) => [one.n, one.type, one.points, one.priority, one.dependsOn.join(', '), one.title]),
      ),
    )
  }
}

const DRAIN = 10
/** Milliseconds between two looks at the card. */
const LOOK = 100

export async function follow(
  id: number,
  { json, work, quiet }: Json & { work?: boolean; quiet?: boolean },
): Promise<number> {
  const interruption = onInterrupt(() => remark('\nComing to an end. Ctrl-C again ends at once.'))
  return withApp(
    async (app, config) => {
      await cardOf(app.engine, operator, id)
      const worker = work === true ? await performAll(app, config, { report: reporter(remark) }) : undefined
      if (worker !== undefined) {
        await app.tools.load()
        await app.joinTools(app.logins.worker, worker)
      }
      try {
        const silent = json === true || quiet === true
        const card = await atRest(app.engine, id, interruption.signal, silent ? () => {} : say)
        const questions = (await questionsOf(app.engine, operator, id)).filter(({ answer }) => answer === null)
        if (json === true) say(JSON.stringify({ card, questions }))
        else if (quiet === true) say(standing(card))
        if (json !== true) for (const one of questions) say(`  question ${one.id}: ${one.question}`)
        return 0
      } finally {
        await worker?.drain(DRAIN)
      }
    },
    { own: work === true },
  ).finally(() => interruption.stop())
}

const standing = (card: Card) => `${card.stage}: ${runWord(card) === '' ? 'nothing runs' : runWord(card)}`

/** As it is when nothing goes on any more without a person; each change on the way is told. */
async function atRest(engine: Engine, id: number, signal: AbortSignal, tell: (line: string) => void): Promise<Card> {
  let told = ''
  for (;;) {
    const card = await cardOf(engine, operator, id)
    const line = standing(card)
    if (line !== told) tell(line)
    told = line
    const { run } = card
    if (signal.aborted || run === null || run.awaits !== null || !run.active || run.status === 'paused') return card
    await sleep(LOOK)
  }
}
