import type { Contender } from '../contender.ts'

/** Each is loaded only where it is measured. */
export const contenders: Readonly<Record<string, () => Promise<Contender>>> = {
  raw: async () => (await import('./raw.ts')).raw,
  engine: async () => (await import('./engine.ts')).engine,
  ablation: async () => (await import('../ablation/contender.ts')).ablation,
  'pg-boss': async () => (await import('./boss.ts')).boss,
  graphile: async () => (await import('./graphile.ts')).graphile,
  bullmq: async () => (await import('./bull.ts')).bull,
}

export async function contender(name: string): Promise<Contender> {
  const load = contenders[name]
  if (load === undefined) throw new Error(`no contender ${name}`)
  return load()
}
