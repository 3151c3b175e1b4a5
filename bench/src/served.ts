/** The server of the product in this process, on a database of the bench: what the gates of its doors ask. */
import type { HttpStage } from '../../server/test/http-stage.ts'
import { ask, type Place } from './server.ts'
import type { Stage } from './stage.ts'

export const READER = { sub: 'reader', workspaces: { 1: 'viewer' as const } }

export async function serve(stage: Stage, name: string): Promise<{ http: HttpStage; place: Place }> {
  const { owner, api, worker } = await stage.empty(name)
  // The stage of the server's tests makes its database where it is told to.
  const secrets = { millrace_api: api.password, millrace_worker: worker.password }
  process.env['MILLRACE_TEST_POSTGRES'] = JSON.stringify({ owner, secrets })
  const { openHttpStage } = await import('../../server/test/http-stage.ts')
  const http = await openHttpStage()
  http.person('reader', 'viewer')
  const { database } = http.db.owner
  const at = (login: Place['owner']) => ({ ...login, database: database ?? '' })
  return { http, place: { owner: at(owner), api: at(api), worker: at(worker) } }
}

/** A finished run of the keyless model with so many transcripts. */
export async function transcripts(http: HttpStage, place: Place, amount: number): Promise<number> {
  const values = (length: number) => Array.from({ length }, (_, n) => `n${n}`)
  const hundreds = Math.ceil(amount / 100)
  const definition = {
    name: `${amount} transcripts`,
    template: 'How much do you like the number [Number] of [Hundred]?',
    dimensions: [
      { name: 'Number', values: values(Math.min(amount, 100)) },
      { name: 'Hundred', values: values(hundreds) },
    ],
    decision: { labels: [1, 2, 3, 4, 5].map((n) => ({ code: String(n), label: `level ${n}` })) },
  }
  const started = await http.ask('/api/runs', { body: { definition, models: ['fake:a'] } })
  if (started.status !== 201) throw new Error(started.text)
  const { id } = started.body.run as { id: number }
  const worker = await http.work(200)
  for (;;) {
    const { state } = await http.engine.run(READER, id)
    if (state === 'succeeded') break
    if (state === 'failed') throw new Error(`run ${id} failed`)
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  await worker.drain(5)
  await ask(place.owner, 'vacuum analyze')
  return id
}
