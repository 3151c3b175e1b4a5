/**
 * `npm run screenshots [-- home runs]`: every page as a person sees it, on a desk and on a phone, light and
 * dark, full and empty, into `web/pictures`; they are looked at before a page is called done.
 */
import { mkdirSync } from 'node:fs'
import setup from '../../engine/testing/cluster.ts'
import { BOARD_PAGES, cook, fillBoard } from './board-world.ts'
import { openStage, settled } from './stage.ts'
import { fill, fillMore, PAGES, type World } from './world.ts'

const folder = new URL('../pictures/', import.meta.url).pathname
const wanted = process.argv.slice(2)
const SIZES = { desk: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } }

mkdirSync(folder, { recursive: true })
const leave = await setup()
const stage = await openStage()
const nothing: World = { finished: 0, failed: 0, running: 0, paused: 0 }

interface Picture {
  readonly name: string
  readonly path: string
  readonly empty?: true | undefined
}

async function look(full: boolean, pages: readonly Picture[]) {
  for (const dark of [false, true]) {
    for (const [size, place] of Object.entries(SIZES)) {
      const page = await stage.person({ ...place, dark })
      for (const { name, path, empty } of pages) {
        if ((!full && empty !== true) || (wanted.length > 0 && !wanted.some((one) => name.startsWith(one)))) continue
        await page.goto(`${stage.http.url}${path}`)
        await settled(page)
        await page.waitForTimeout(350)
        const file = `${name}${full ? '' : '-empty'}-${size}-${dark ? 'dark' : 'light'}.png`
        await page.screenshot({ path: `${folder}${file}` })
      }
      await page.context().close()
    }
  }
}

try {
  const emptyBoard = { asked: 0, waiting: 0, judged: 0, skill: 0 }
  await look(false, [
    ...PAGES.map((one) => ({ ...one, path: one.path(nothing) })),
    ...BOARD_PAGES.map((one) => ({ ...one, path: one.path(emptyBoard) })),
  ])
  const { worker, ...world } = await fill(stage.http)
  await fillMore(stage.http)
  await cook(stage.http)
  const board = await fillBoard(stage.http)
  await look(true, [
    ...PAGES.map((one) => ({ ...one, path: one.path(world) })),
    ...BOARD_PAGES.map((one) => ({ ...one, path: one.path(board) })),
  ])
  for (const said of stage.complaints()) process.stdout.write(`the browser said: ${said}\n`)
  await worker.drain(0)
  const nobody = await stage.nobody()
  await nobody.goto(`${stage.http.url}/sign-in`)
  await nobody.waitForSelector('h1')
  await nobody.screenshot({ path: `${folder}sign-in.png` })
} finally {
  await stage.close()
  await leave()
}
