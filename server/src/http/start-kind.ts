/** A run of any kind, started by its name; every door that starts runs does it so. */
import { Refusal, type Principal, type RunKind } from '@millrace/engine'
import { probeInput } from '../domains/probe/input.ts'
import { startProbe, type StartProbe } from '../domains/probe/start.ts'
import type { House } from './house.ts'

/** Kinds that nobody starts by their name. */
const FOLLOWS: Readonly<Record<string, string>> = {
  stage: 'A stage run begins with a card: move one, or give its cardId.',
  webhook: 'Webhooks are called when people are told something.',
  // It would have no record, and could take the key of a question that is still to be asked.
  diagnosis: 'A diagnosis is asked for about an assessment: POST /api/diagnosis-runs.',
}

/** @throws Refusal UNKNOWN_KIND, CANNOT_START, INVALID_INPUT, and those of the start */
export async function startOfKind(
  { engine, kinds, probe }: Pick<House, 'engine' | 'kinds' | 'probe'>,
  who: Principal,
  { kind: name, input }: { kind: string; input: unknown },
  options: StartProbe,
): Promise<{ run: number; created: boolean }> {
  const kind = kinds.find((one) => one.name === name)
  if (kind === undefined) {
    throw new Refusal('UNKNOWN_KIND', 'There is no kind of run of that name here.', {
      remedy: `Known are: ${kinds.map((one) => one.name).join(', ')}.`,
    })
  }
  if (FOLLOWS[kind.name] !== undefined) throw new Refusal('CANNOT_START', FOLLOWS[kind.name] ?? '')
  if (kind.name !== probe.name) return engine.start(who, kind as RunKind, input ?? {}, options)
  const parsed = probeInput.safeParse(input)
  if (parsed.success) return startProbe(engine, probe, who, parsed.data, options)
  const causes = parsed.error.issues.map(({ path, message }) => `${path.map(String).join('.') || 'input'}: ${message}`)
  throw new Refusal('INVALID_INPUT', 'The input of a probe run is not valid.', { causes })
}
