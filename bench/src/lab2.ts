/** CPU of backends a task: N loops of turn(1). args: loops tasks shape perf? */
import pg from 'pg'
import { readFileSync } from 'node:fs'
import { execSync, spawn } from 'node:child_process'
import { openServer, ask } from './server.ts'
import { contender } from './contenders/index.ts'
import { workerSettings } from '../../engine/src/database.ts'
import { answer } from './contender.ts'
const [, , loopsT = '1', tasksT = '3000', shapeT = 'a run each', batchT = '1', perfFor = '', setup = ''] = process.argv
const server = await openServer()
const ticks = (pid: number) => { const s = readFileSync(`/proc/${pid}/stat`, 'latin1'); const f = s.slice(s.lastIndexOf(')') + 2).split(' ').map(Number); return f[11]! + f[12]! }
const ns = (pid: number) => Number(readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ')[0])
try {
  const engine = await contender('engine')
  const place = await server.database('lab')
  await engine.prepare(place, server)
  if (setup) await ask(place.owner, readFileSync(setup, 'utf8'))
  const shape = /^\d+$/.test(shapeT) ? Number(shapeT) : (shapeT as 'one run')
  const tasks = Number(tasksT), batch = Number(batchT)
  const out: number[] = []
  for (let round = 0; round < 3; round++) {
    await engine.fill(place, { tasks, shape })
    const clients = await Promise.all(Array.from({ length: Number(loopsT) }, async (_, n) => {
      const c = new pg.Client(workerSettings(place.worker)); await c.connect()
      const { rows } = await c.query(`select engine.register('l', '{bench.answer}', null, 200) as id, pg_backend_pid() as pid`)
      return { c, worker: rows[0].id as number, pid: rows[0].pid as number }
    }))
    let done = 0
    const before = clients.map((x) => ns(x.pid))
    let perf: ReturnType<typeof spawn> | undefined
    if (perfFor && round === 1) { perf = spawn('perf', ['record', '-F', '997', '--call-graph', 'dwarf,16384', '-o', perfFor, '-p', String(clients.map((c) => c.pid).join(','))], { stdio: 'ignore' }); await new Promise((r) => setTimeout(r, 1000)) }
    const t0 = performance.now()
    await Promise.all(clients.map(async ({ c, worker }) => {
      let ended: any[] = []
      while (done < tasks) {
        const { rows } = await c.query({ name: 'turn', text: 'select closed, claimed from engine.turn($1,$2,$3,$4,$5,$6,$7,$8)', values: [worker, done + ended.length < tasks ? batch : 0,
          ended.map(([r]) => r), ended.map(([, n]) => n), ended.map(([, , a]) => a), ended.map(() => 'succeeded'), ended.map(([r, n]) => JSON.stringify(answer(r + n))), ended.map(() => 0)] })
        done += ended.length
        ended = rows[0].claimed ?? []
        if (ended.length === 0 && done < tasks) await new Promise((r) => setTimeout(r, 1))
      }
    }))
    const t1 = performance.now()
    const us = clients.reduce((s, x, i) => s + ns(x.pid) - before[i]!, 0) / 1000 / tasks
    if (perf) { perf.kill('SIGINT'); await new Promise((r) => perf!.on('exit', r)) }
    out.push(us)
    await engine.check(place, tasks)
    await Promise.all(clients.map((x) => x.c.end()))
    console.log(`round ${round}: ${us.toFixed(0)} us/task backend CPU, ${(tasks / (t1 - t0) * 1000).toFixed(0)}/s`)
  }
} finally { await server.close() }
