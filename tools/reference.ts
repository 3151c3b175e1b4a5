/**
 * The pictures of our doors: `docs/reference/{cli,settings,http}.md`, made from the
 * code.  `node tools/reference.ts --write` writes them; the check compares.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import type { Command } from 'commander'
import { commands } from '../server/src/cli.ts'
import { settings } from '../server/src/config.ts'
import { routes } from '../server/src/http/server.ts'
import { root, textOf } from './tree.ts'

function pictures(): Record<string, string> {
  return {
    'docs/reference/cli.md': cli(),
    'docs/reference/settings.md': settingsPage(),
    'docs/reference/http.md': http(),
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

function http(): string {
  const rows = routes.map(({ method, url, sentence }) => `| \`${method} ${url}\` | ${sentence} |`)
  return `# HTTP\n\nMade from \`server/src/http/server.ts\` by \`node tools/reference.ts --write\`.\n\n| route | what it answers |\n|---|---|\n${rows.join('\n')}\n`
}

export async function staleReferences(): Promise<string[]> {
  return Object.entries(pictures()).flatMap(([path, text]) =>
    existsSync(root + path) && textOf(path) === text
      ? []
      : [`${path} is not what the code says: node tools/reference.ts --write`],
  )
}

if (process.argv[2] === '--write') {
  mkdirSync(`${root}docs/reference`, { recursive: true })
  for (const [path, text] of Object.entries(pictures())) writeFileSync(root + path, text)
}
