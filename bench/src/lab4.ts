/** Blocks touched per task, by relation, pinned or not; a worker by hand: batches of B. args: shape tasks batch */
import pg from 'pg'
import { openServer, ask } from './server.ts'
import { contender } from './contenders/index.ts'
import { workerSettings } from '../../engine/src/database.ts'
import { readFileSync } from 'node:fs'
const [, , shapeT = '5', tasksT = '6000', batchT = '24'] = process.argv
const server = await openServer()
const ns = (pid: number) => Number(readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ')[0])
try {
  const engine = await contender('engine')
  const place = await server.database('lab')
  await engine.prepare(place, server)
  const tasks = Number(tasksT), batch = Number(batchT)
  const table: Record<string, number[]> = {}
  for (const pinned of [false, true, false, true]) {
    await engine.fill(place, { tasks, shape: shapeT === 'one' ? 'one run' : Number(shapeT) })
    const pin = new pg.Client(place.owner); await pin.connect()
    if (pinned) { await pin.query('begin isolation level repeatable read'); await pin.query('select count(*) from pg_class') }
    await ask(place.owner, 'select pg_stat_reset()')
    const c = new pg.Client(workerSettings(place.worker)); await c.connect()
    const { rows: [{ id, pid }] } = await c.query(`select engine.register('l', '{bench.answer}', null, 200) as id, pg_backend_pid() as pid`)
    let done = 0, ended: any[] = [], t0 = ns(pid)
    const tenths: number[] = []
    while (done < tasks) {
      const { rows } = await c.query({ name: 'turn', text: 'select closed, claimed from engine.turn($1,$2,$3,$4,$5,$6,$7,$8)', values: [id, done + ended.length < tasks ? batch : 0,
        ended.map(([r]) => r), ended.map(([, n]) => n), ended.map(([, , a]) => a), ended.map(() => 'succeeded'), ended.map(() => '{"a":1}'), ended.map(() => 0)] })
      done += ended.length
      while (tenths.length < Math.floor(done * 10 / tasks)) { tenths.push((ns(pid) - t0) / 1000 / (tasks / 10)); t0 = ns(pid) }
      ended = rows[0].claimed ?? []
    }
    await c.end()
    await new Promise((r) => setTimeout(r, 1200))
    console.log(pinned ? 'pinned' : 'free  ', 'us/task by tenths', tenths.map((x) => x.toFixed(0)).join(' '))
    const rows = await ask<any>(place.owner, `select relname as n, heap_blks_hit + heap_blks_read as b from pg_statio_user_tables where schemaname='engine' union all select indexrelname, idx_blks_hit+idx_blks_read from pg_statio_user_indexes where schemaname='engine'`)
    for (const { n, b } of rows) (table[n] ??= []).push(Number(b) / tasks)
    await pin.end()
  }
  for (const [n, v] of Object.entries(table).sort((a, b) => b[1][1]! - a[1][1]!).slice(0, 16)) console.log(n.padEnd(28), v.map((x) => x.toFixed(2)).join('  '))
} finally { await server.close() }
