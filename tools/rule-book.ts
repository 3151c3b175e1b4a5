/**
 * All rules of the house and what checks them.  A rule is data; a check names its rule.
 * A rule without a check, a check without a rule and a check that could not be made
 * are violations like any other.
 */
import { checkText, guardrails, TEXT_RULES } from './guardrails.ts'

export interface Rule {
  readonly id: string
  /** What is said when it holds. */
  readonly says: string
  readonly scope: 'house' | 'diagnosis'
}

/** What a check looks at: files by their path, and whatever else its scope opens. */
export interface Check<World> {
  readonly rule: string
  /** What is wrong; nothing when it holds. */
  readonly look: (world: World) => Promise<readonly string[]> | readonly string[]
}

export const HOUSE_RULES: readonly Rule[] = [
  ...TEXT_RULES.map(({ id, says }) => ({ id, says, scope: 'house' as const })),
  { id: 'R-LCK-002', says: 'install scripts run only for packages that are named', scope: 'house' },
]

export const HOUSE_CHECKS: readonly Check<undefined>[] = [
  ...TEXT_RULES.map((rule) => ({ rule: rule.id, look: () => checkText(rule) })),
  { rule: 'R-LCK-002', look: async () => (await guardrails()).filter((line) => line.includes('R-LCK-')) },
]

/** Looks at everything; says a line for each rule, and gives whether all of them hold. */
export async function verify<World>(
  rules: readonly Rule[],
  checks: readonly Check<World>[],
  world: World,
  say: (line: string) => void,
): Promise<boolean> {
  let holds = true
  const violated = (id: string, what: string) => {
    holds = false
    say(`❌ violates ${id}: ${what}`)
  }
  for (const { rule } of checks) if (!rules.some(({ id }) => id === rule)) violated(rule, 'it is checked, and no rule')
  for (const { id, says } of rules) {
    const mine = checks.filter(({ rule }) => rule === id)
    if (mine.length === 0) violated(id, 'nothing checks it')
    if (mine.length === 0) continue
    const wrong: string[] = []
    for (const { look } of mine) {
      try {
        wrong.push(...(await look(world)))
      } catch (error) {
        wrong.push(`it could not be checked (${error instanceof Error ? error.message : String(error)})`)
      }
    }
    for (const what of wrong) violated(id, what)
    if (wrong.length === 0) say(`✅ ${id}: ${says}`)
  }
  return holds
}
