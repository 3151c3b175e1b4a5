/** What a step is about to ask with: its skill at the version of the snapshot, and the inputs as they are now. */
import { z } from 'zod'
import type { Tx } from '@millrace/engine'
import { skillFor, type UsableSkill } from '../../../skills/skill.ts'
import { documentsVisible } from '../documents/documents.ts'
import { stepFailed } from './failures.ts'
import { documentsNamed, inputsOf } from './inputs.ts'
import type { StepSnapshot, WorkSnapshot } from './snapshot.ts'

export interface Place {
  readonly read: Tx['query']
  readonly workspace: number
  readonly run: number
  /** What tasks before this one have made is seen. */
  readonly before: number
}

export interface Ready {
  readonly skill: UsableSkill
  /** Checked by the skill's schema of inputs. */
  readonly inputs: Readonly<Record<string, unknown>>
}

/** @throws TaskFailed SKILL_GONE, MISSING_INPUT, INVALID_INPUT */
export async function makeReady(place: Place, snapshot: WorkSnapshot, step: StepSnapshot): Promise<Ready> {
  const { read, workspace, run, before } = place
  const skill = await skillFor({ query: read }, workspace, Number(step.skill.id), step.skill.version)
  if (skill === undefined || skill.digest !== step.skill.digest) throw stepFailed('SKILL_GONE')
  const { card, stage } = snapshot
  const inputs = inputsOf(
    step,
    {
      card: { ...card, answers: await answersTo(read, card.id) },
      documents: await documentsVisible(read, {
        card: card.id,
        stage,
        run,
        before,
        named: documentsNamed(Object.values(step.inputsMapping)),
      }),
      steps: await outputsBefore(place),
    },
    skill.inputSchema,
  )
  return { skill, inputs }
}

/** What people have answered, the oldest first; nothing where they were asked nothing. */
async function answersTo(read: Tx['query'], card: number): Promise<string | undefined> {
  const { rows } = await read<{ question: string; answer: string }>(
    'select question, answer from stage.questions where card_id = $1 and answer is not null order by id',
    [card],
  )
  if (rows.length === 0) return undefined
  return rows.map(({ question, answer }) => `Question: ${question}\nAnswer: ${answer}`).join('\n\n')
}

const keptOutput = z.object({ order: z.int(), skill: z.string(), output: z.unknown() })

/** By order and by skill; of two with one skill the later one is meant. */
async function outputsBefore({ read, run, before }: Place): Promise<ReadonlyMap<string, unknown>> {
  const { rows } = await read<{ output: unknown }>(
    `select o.output from engine.outputs o join engine.inputs i on i.run_id = o.run_id and i.n = o.n
      where o.run_id = $1 and o.n > 0 and o.n < $2 and i.input ? 'step' order by o.n`,
    [run, before],
  )
  const found = new Map<string, unknown>()
  for (const row of rows) {
    const kept = keptOutput.safeParse(row.output)
    if (!kept.success) continue
    found.set(kept.data.skill, kept.data.output)
    found.set(String(kept.data.order), kept.data.output)
  }
  return found
}
