/**
 * The console in a real browser, before the real server and a real database: one
 * browser and one server for a file of tests, which is made of several journeys.  Whatever the browser's console says as
 * an error or a warning fails the test in which it was said.
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import axe from 'axe-core'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { openHttpStage, type HttpStage } from '../../server/test/http-stage.ts'
import { addUser, firstLink, makeLink, setRole } from '../../server/src/access/people.ts'
import { operator } from '../../server/src/app.ts'
import { openProviders } from '../../server/src/providers/catalogue.ts'
import { CONSOLE } from '../../server/src/http/console.ts'
import { COVERED, follow } from './covered.ts'

/** Where a browser is; undefined: there is none, and journeys are left out. */
export function browserPath(): string | undefined {
  const given = process.env['CHROME_PATH']
  const known = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
  return [given, ...known].find((path) => path !== undefined && existsSync(path))
}

export const NO_BROWSER = 'no browser here: `apt-get install chromium`, or set CHROME_PATH'

export interface Stage {
  readonly http: HttpStage
  readonly browser: Browser
  /** The address of the link that the first start prints. */
  firstLink(): Promise<string>
  /** A browser of somebody's own, signed in; the admin, if nobody is named. */
  person(how?: { role?: 'admin' | 'member' | 'viewer'; width?: number; height?: number; dark?: boolean }): Promise<Page>
  /** A browser of nobody. */
  nobody(): Promise<Page>
  /** What the browsers have said since this was asked last; a test expects none. */
  complaints(): string[]
  close(): Promise<void>
}

/** What the journeys of one file share. */
export interface Tour {
  readonly stage: Stage
  /** The admin's. */
  readonly page: Page
}

/**
 * @param latency milliseconds that an answer of the keyless models takes
 * @param providers others than the keyless ones
 */
export async function openStage({
  latency = 0,
  providers = {},
}: {
  latency?: number
  providers?: Parameters<typeof openProviders>[0]
} = {}): Promise<Stage> {
  execFileSync(process.execPath, ['web/build.ts', ...(COVERED === undefined ? [] : ['--mapped'])], { stdio: 'inherit' })
  const http = await openHttpStage({
    web: COVERED === undefined ? CONSOLE : `${CONSOLE}-mapped`,
    catalogue: openProviders({ fakeLatencyMs: latency, ...providers }),
  })
  const path = browserPath()
  if (path === undefined) throw new Error(NO_BROWSER)
  const browser = await chromium.launch({ executablePath: path, args: ['--no-sandbox'] })
  const complaints: string[] = []
  let people = 0

  async function open(context: BrowserContext): Promise<Page> {
    context.setDefaultTimeout(10_000)
    const page = await context.newPage()
    await follow(page)
    page.on('console', (message) => {
      // What was not found, or not allowed, the page tells itself; the browser notes each such answer besides.
      if (message.text().startsWith('Failed to load resource')) return
      if (message.type() === 'error' || message.type() === 'warning')
        complaints.push(`${message.text()} (${message.location().url})`)
    })
    page.on('pageerror', (error) => complaints.push(error.message))
    return page
  }

  return {
    http,
    browser,
    firstLink: async () => `${http.url}/sign-in?token=${(await firstLink(http.engine, operator)) ?? ''}`,
    async person({ role = 'admin', width = 1440, height = 900, dark = false } = {}) {
      people += 1
      const id = await addUser(http.engine, operator, {
        email: `${role}-${people}@example.org`,
        name: 'Ada',
        operator: role === 'admin',
      })
      await setRole(http.engine, operator, 1, id, role)
      const token = await makeLink(http.engine, operator, id)
      const context = await browser.newContext({
        viewport: { width, height },
        colorScheme: dark ? 'dark' : 'light',
        reducedMotion: 'reduce',
      })
      const page = await open(context)
      const signed = await context.request.post(`${http.url}/api/sign-in/link`, { data: { token } })
      if (!signed.ok()) throw new Error(`the link was refused: ${signed.status()}`)
      return page
    },
    nobody: async () =>
      open(await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' })),
    complaints: () => complaints.splice(0),
    async close() {
      for (const context of browser.contexts()) await context.close()
      await browser.close()
      await http.close()
    },
  }
}

/**
 * To an address, as a link there leads: the page is loaded once, then it goes on in itself.
 * A journey that is about what a load does reloads.
 */
export async function go(page: Page, url: string): Promise<void> {
  if (new URL(page.url()).origin !== new URL(url).origin || page.url() === url) await page.goto(url)
  else await page.evaluate((to) => history.pushState(null, '', to), url)
}

/** What was asked for has come: a page is there as a person sees it. */
export async function settled(page: Page): Promise<void> {
  await page.waitForSelector('h1')
  await page.waitForFunction(() => document.querySelector('[role=status][aria-label=Loading]') === null)
}

/**
 * What axe finds that is serious, a sentence each.
 * @param rules only these; all, if left out
 */
export async function barriers(page: Page, rules?: readonly string[]): Promise<string[]> {
  // It stays for as long as the page is not loaded anew.
  if (await page.evaluate(() => !('axe' in globalThis))) await page.evaluate(axe.source)
  const how = { resultTypes: ['violations'], ...(rules === undefined ? {} : { runOnly: rules }) }
  const { violations } = (await page.evaluate(`axe.run(document, ${JSON.stringify(how)})`)) as axe.AxeResults
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, help, nodes }) => {
      const where = nodes.slice(0, 3).map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary ?? ''}`)
      return `${id}: ${help}: ${where.join(' | ')}`
    })
}
