/** What a browser runs of the console while a journey goes on, kept for `npm run coverage`. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import type { Page } from 'playwright-core'

/** The folder for it; undefined: nobody wants to know. */
export const COVERED = process.env['MILLRACE_COVERED']

/** Until its context is closed, which is when this is written. */
export async function follow(page: Page): Promise<void> {
  if (COVERED === undefined) return
  const folder = COVERED
  const scripts: object[] = []
  const start = () => page.coverage.startJSCoverage({ resetOnNavigation: false })
  async function gather(): Promise<void> {
    for (const { url, scriptId, functions } of await page.coverage.stopJSCoverage()) {
      const file = /\/assets\/([\w.-]+\.js)$/.exec(url)?.[1]
      if (file !== undefined) scripts.push({ url: file, scriptId, functions })
    }
  }
  await start()
  // With the page that is left the counts of its scripts are gone.
  const [goto, reload] = [page.goto.bind(page), page.reload.bind(page)]
  page.goto = async (...how) => {
    await gather()
    await start()
    return goto(...how)
  }
  page.reload = async (...how) => {
    await gather()
    await start()
    return reload(...how)
  }
  const context = page.context()
  const close = context.close.bind(context)
  context.close = async (how) => {
    context.close = close
    await gather()
    mkdirSync(folder, { recursive: true })
    writeFileSync(`${folder}/${randomUUID()}.json`, JSON.stringify(scripts))
    await close(how)
  }
}
