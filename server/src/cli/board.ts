/** `millrace board …`: the board as a whole. */
import { Refusal } from '@millrace/engine'
import { homeOf, operator, WORKSPACE } from '../app.ts'
import { boardOf, setSettings, settingsSchema, setStages, stageSchema, type Stage } from '../domains/stage/board.ts'
import { takeInSettings } from '../domains/stage/settings-file.ts'
import { runWord } from './cards.ts'
import { bold, say, table } from './screen.ts'
import { withApp } from './session.ts'
import { tellFile } from './settings-file.ts'

export async function showBoard(options: { limit: number; json?: boolean }): Promise<number> {
  return withApp(async ({ engine }) => {
    const board = await boardOf(engine, operator, WORKSPACE, { limit: options.limit })
    if (options.json === true) {
      say(JSON.stringify(board))
      return 0
    }
    for (const { key, name, count, cards } of board.columns) {
      say(`${bold(name)}${name.toLowerCase() === key ? '' : ` (${key})`}  ${count}`)
      for (const card of cards) {
        const run = runWord(card)
        say(`  ${String(card.id).padStart(4)}  ${card.title}${run === '' ? '' : `  [${run}]`}`)
      }
      if (count > cards.length) say(`        and ${count - cards.length} more`)
    }
    return 0
  })
}

export async function settings(options: { set: readonly string[]; json?: boolean }): Promise<number> {
  return withApp(async ({ engine }, config) => {
    const { settings: before, file } = await takeInSettings(engine, homeOf(config))
    tellFile(file)
    const changes = changesOf(options.set)
    const now = options.set.length === 0 ? before : await setSettings(engine, operator, WORKSPACE, changes)
    const { fileDigest: _, ...shown } = now
    if (options.json === true) say(JSON.stringify(shown))
    else
      say(
        table(
          ['setting', 'value'],
          Object.keys(settingsSchema.shape).map((name) => [name, String(shown[name as keyof typeof shown] ?? 'none')]),
        ),
      )
    return 0
  })
}

/** `name=value` as the setting of that name takes it. @throws Refusal INVALID_SETTING */
function changesOf(given: readonly string[]) {
  const values = Object.fromEntries(
    given.map((one) => {
      const [name = '', ...rest] = one.split('=')
      const text = rest.join('=')
      return [name, name === 'automationStopStage' && text !== 'none' ? text : valueOf(text)]
    }),
  )
  const parsed = settingsSchema.partial().safeParse(values)
  if (parsed.success) return parsed.data
  throw new Refusal('INVALID_SETTING', 'These are not settings of a board.', {
    causes: parsed.error.issues.map((issue) => `${issue.path.map(String).join('.') || 'settings'}: ${issue.message}`),
  })
}

function valueOf(text: string): unknown {
  if (text === 'true' || text === 'on') return true
  if (text === 'none') return null
  if (text === 'false') return false
  return /^\d+$/.test(text) ? Number(text) : text
}

export async function stages(options: { set?: string; json?: boolean }): Promise<number> {
  return withApp(async ({ engine }) => {
    const now: readonly Stage[] =
      options.set === undefined
        ? (await boardOf(engine, operator, WORKSPACE, { limit: 1 })).columns
        : await setStages(engine, operator, WORKSPACE, await stagesFrom(options.set))
    if (options.json === true) say(JSON.stringify(now.map(({ key, name }) => ({ key, name }))))
    else
      say(
        table(
          ['key', 'name'],
          now.map(({ key, name }) => [key, name]),
        ),
      )
    return 0

    /** A stage that keeps its key keeps its name, unless it gets another. */
    async function stagesFrom(list: string): Promise<Stage[]> {
      const before = (await boardOf(engine, operator, WORKSPACE, { limit: 1 })).columns
      return list.split(',').map((one) => {
        const [key = '', ...rest] = one.trim().split(':')
        const named = before.find((stage) => stage.key === key)?.name ?? key
        const parsed = stageSchema.safeParse({ key, name: rest.length === 0 ? named : rest.join(':') })
        if (parsed.success) return parsed.data
        throw new Refusal('INVALID_STAGE', `${JSON.stringify(one.slice(0, 60))} is no stage.`, {
          causes: parsed.error.issues.map((issue) => `${issue.path.map(String).join('.')}: ${issue.message}`),
        })
      })
    }
  })
}
