/** The guide to the HTTP API cannot rot: its commands are run against `millrace up`, and give what it says. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { freshDatabase } from '../../engine/testing/index.ts'
import { rooms } from '../src/app.ts'
import { install, listenTo, REPOSITORY } from '../testing/cli.ts'

const guide = readFileSync(join(REPOSITORY, 'docs/guides/http-api.md'), 'utf8')
const blocks = Array.from(guide.matchAll(/^```(sh|text)\n([^]*?)^```$/gm), ([, language = '', text = '']) => ({
  language,
  text,
}))

test('the commands of the guide give what it says that they give, on what `millrace up` serves', async () => {
  expect(guide.match(/^```/gm)).toHaveLength(2 * blocks.length)
  const db = await freshDatabase(rooms.slice(1))
  const place = await install(db, { PORT: '0' })
  try {
    const up = place.begin(['up', '--no-example'])
    await up.says(/Try next/)
    const url = /serves on (http:\/\/\S+)/.exec(up.stdout)?.[1] ?? ''
    const commands = blocks.filter(({ language }) => language === 'sh').map(({ text }) => `${text}echo ----\n`)
    const wanted = blocks.filter(({ language }) => language === 'text').map(({ text }) => text.trimEnd())
    const env = { ...place.environment, URL: url, PATH: process.env['PATH'] ?? '' }
    const ran = listenTo(
      spawn('bash', ['-c', commands.join('')], {
        cwd: place.folder,
        env,
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      }),
    )
    const { stdout } = await ran.ended
    expect(
      stdout
        .split('----\n')
        .map((said) => said.trimEnd())
        .slice(0, -1),
    ).toEqual(wanted)
    // What the program wrote about it holds no token and no body.
    const log = up.stderr.split('\n').filter((line) => line.startsWith('{'))
    expect(log.length).toBeGreaterThan(5)
    expect(JSON.parse(log[0] ?? '{}')).toMatchObject({ level: expect.any(String), time: expect.any(String) })
    expect(up.stderr).not.toMatch(/Bearer|ferry-1|lorry/)
    expect(up.stderr).not.toContain(
      readFileSync(join(place.environment['MILLRACE_FOLDER'] ?? '', 'api-token'), 'utf8').trim(),
    )
    up.tell('SIGTERM')
    expect(await up.ended).toMatchObject({ code: 0 })
  } finally {
    await place.remove()
    await db.drop()
  }
})

test('`millrace serve` serves without performing anything, and a worker elsewhere does', async () => {
  const db = await freshDatabase(rooms.slice(1))
  const place = await install(db, { PORT: '0' })
  try {
    const serve = place.begin(['serve'])
    await serve.says(/`millrace worker` starts a worker/)
    const url = /serves on (http:\/\/\S+)/.exec(serve.stdout)?.[1] ?? ''
    const token = readFileSync(join(place.environment['MILLRACE_FOLDER'] ?? '', 'api-token'), 'utf8').trim()
    const headers = { authorization: `Bearer ${token}` }
    const system = await fetch(`${url}/api/health/system`, { headers })
    expect(await system.json()).toMatchObject({ problems: ['no_worker'] })
    expect((await fetch(`${url}/api/runs`, { headers: { authorization: 'Bearer wrong' } })).status).toBe(401)
    // Somebody who follows does not keep the program from ending.
    const feed = await fetch(`${url}/api/feed?stream=true`, { headers })
    serve.tell('SIGTERM')
    expect(await serve.ended).toMatchObject({ code: 0 })
    await feed.body?.cancel().catch(() => {})
  } finally {
    await place.remove()
    await db.drop()
  }
})
