/**
 * The pictures of our doors: `docs/reference/{cli,settings,http,failures,performance}.md` and the types that
 * the console asks with, made from the code, and the digests of the skills that we ship.
 * `node tools/reference.ts --write` writes them; the check compares.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { commands } from '../server/src/cli.ts'
import { settings } from '../server/src/config.ts'
import { openLog } from '../server/src/http/log.ts'
import { referenceText, type Contract } from '../server/src/http/reference.ts'
import { openServer } from '../server/src/http/server.ts'
import { productDigests } from '../server/src/skills/product.ts'
import { FAILURES, STATUS, WORDS, type Row } from '../server/src/providers/failure-table.ts'
import { contractTypes } from './contract.ts'
import { performance } from './performance.ts'
import { root, textOf } from './tree.ts'

async function pictures(): Promise<Record<string, string>> {
  const { page, types } = await http()
  return {
    'docs/reference/cli.md': cli(),
    'docs/reference/settings.md': settingsPage(),
    'docs/reference/http.md': page,
    'web/src/contract.d.ts': types,
    'docs/reference/failures.md': failures(),
    'docs/reference/performance.md': performance(),
    'server/skills/digests.json': await productDigests(),
  }
}

function cli(): string {
  const pages = leaves(commands()).map((command) => {
    let page = ''
    command.configureOutput({ writeOut: (text) => (page += text), getOutHelpWidth: () => 100 }).outputHelp()
    return `## \`${fullName(command)}\`\n\n\`\`\`\n${page.trimEnd()}\n\`\`\`\n`
  })
  return `# Command line\n\nMade from the commands by \`node tools/reference.ts --write\`. Exit codes: 0 done, 1 it ran and failed, 2 refused and nothing was done, 130 interrupted.\n\n${pages.join('\n')}`
}

function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves)
}

function fullName(command: Command): string {
  return command.parent === null ? command.name() : `${fullName(command.parent)} ${command.name()}`
}

function settingsPage(): string {
  const rows = Object.values(settings).map(
    ({ env, otherwise, sentence }) => `| \`${env}\` | ${otherwise} | ${sentence} |`,
  )
  return `# Settings\n\nRead from the environment. Made from \`server/src/config.ts\` by \`node tools/reference.ts --write\`.\n\n| variable | default | what it is |\n|---|---|---|\n${rows.join('\n')}\n`
}

/** The routes say what they are without anything behind them. */
async function http(): Promise<{ page: string; types: string }> {
  const nobody = () => {
    throw new Error('nothing is opened for a picture')
  }
  const door = await openServer({
    house: nobody,
    access: nobody,
    authenticate: async () => undefined,
    health: async () => [],
    performed: () => undefined,
    log: openLog('silent'),
    host: '127.0.0.1',
  })
  await door.ready()
  const page = referenceText(door.swagger() as Contract)
  const types = contractTypes(door)
  await door.close()
  return { page, types }
}

function failures(): string {
  const said = (code: string, told: Readonly<Record<string, string>>) =>
    Object.keys(told)
      .filter((sign) => told[sign] === code)
      .map((sign) => `\`${sign}\``)
      .join(', ')
  const again = (code: string, retries: number) =>
    code === 'BILLING' ? 'when released' : retries === 0 ? 'no' : retries === 1 ? 'once' : `${retries} times`
  const rows = Object.entries<Row>(FAILURES).map(
    ([code, { message, retries, origin, when }]) =>
      `| \`${code}\` | ${when} | ${said(code, STATUS)} | ${said(code, WORDS)} | ${again(code, retries)} | ${origin} | ${message} |`,
  )
  return `# Failures

What can go wrong with a model. Made from \`server/src/providers/failure-table.ts\` by \`node tools/reference.ts --write\`.

A failure is \`{code, message, retryable, retryAfter?, details?, origin}\`: \`retryAfter\` in seconds, at most a day; \`details.status\` the HTTP status, if there was one. A word in the error's \`code\`, \`type\` or \`reason\` counts more than the status; prose is not read, except for fixed sentences of vendors that have no word for used-up credit or a wrong key (\`SENTENCES\` there), and no text of a provider gets into a failure.

| code | when | status | or word | tried again | origin | message |
|---|---|---|---|---|---|---|
${rows.join('\n')}
`
}

export async function staleReferences(): Promise<string[]> {
  return Object.entries(await pictures()).flatMap(([path, text]) =>
    existsSync(root + path) && textOf(path) === text
      ? []
      : [`${path} is not what the code says: node tools/reference.ts --write`],
  )
}

if (process.argv[2] === '--write') {
  mkdirSync(`${root}docs/reference`, { recursive: true })
  for (const [path, text] of Object.entries(await pictures())) writeFileSync(root + path, text)
}
