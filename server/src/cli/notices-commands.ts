/** The commands about being told: notifications, and who is called with them. */
import { InvalidArgumentError, Option, type Command } from 'commander'
import { NOTICES } from '../domains/stage/notices.ts'
import { wholeNumber, wholeNumbers } from './arguments.ts'

/** As the other commands are added. */
type Add = (
  parent: Command,
  name: string,
  sentence: string,
  examples: readonly string[],
  how?: { isDefault?: boolean },
) => Command

export function noticesCommands(program: Command, command: Add, done: (code: number) => void): void {
  const notifications = program.command('notifications').description('What you are told about cards.').exitOverride()
  command(
    notifications,
    'list',
    'Notifications, newest first; those that you have not read are marked.',
    ['millrace notifications list', 'millrace notifications list --unread'],
    { isDefault: true },
  )
    .option('--unread', 'only what you have not read')
    .option('--limit <n>', 'how many', wholeNumber(1, 500), 50)
    .option('--json', 'for programs')
    .action(async (options) => done(await (await import('./notices.ts')).list(options)))
  command(notifications, 'read', 'You have read these, or all that are there.', [
    'millrace notifications read 12 13',
    'millrace notifications read --all',
  ])
    .argument('[notification...]', 'their numbers', wholeNumbers)
    .option('--all', 'all that are there now')
    .option('--json', 'for programs')
    .action(async (ids, options) => done(await (await import('./notices.ts')).read(ids, options)))

  const webhooks = program
    .command('webhooks')
    .description('Addresses that are called with notifications.')
    .exitOverride()
  command(webhooks, 'list', 'Who is called, for what, and what was answered last.', ['millrace webhooks list'], {
    isDefault: true,
  })
    .option('--json', 'for programs')
    .action(async (options) => done(await (await import('./webhooks.ts')).list(options)))
  command(
    webhooks,
    'add',
    'Call an address of the public internet with every notification; its secret is told once, here.',
    [
      'millrace webhooks add https://example.org/millrace',
      'millrace webhooks add https://example.org/millrace --kind approval_needed --kind questions_asked',
    ],
  )
    .argument('<url>', 'http or https', address)
    .addOption(
      new Option('--kind <kind>', 'only these; may be repeated')
        .choices(NOTICES)
        .argParser((value: string, before: readonly string[] | undefined) => [...(before ?? []), kind(value)]),
    )
    .option('--json', 'for programs')
    .action(async (url, options) => done(await (await import('./webhooks.ts')).add(url, options)))
  for (const [name, sentence] of [
    ['disable', 'Call it no more, and keep it.'],
    ['enable', 'Call it again.'],
    ['remove', 'Call it no more; its secret is forgotten.'],
  ] as const) {
    command(webhooks, name, sentence, [`millrace webhooks ${name} 1`])
      .argument('<webhook>', 'its number', wholeNumber(1))
      .option('--json', 'for programs')
      .action(async (id, options) => done(await (await import('./webhooks.ts')).change(id, name, options)))
  }
  command(webhooks, 'deliveries', 'What was sent and what was answered, newest first.', [
    'millrace webhooks deliveries 1',
  ])
    .argument('<webhook>', 'its number', wholeNumber(1))
    .option('--limit <n>', 'how many', wholeNumber(1, 500), 50)
    .option('--json', 'for programs')
    .action(async (id, options) => done(await (await import('./webhooks.ts')).deliveries(id, options)))
}

function kind(value: string): string {
  if ((NOTICES as readonly string[]).includes(value)) return value
  throw new InvalidArgumentError(`It must be one of ${NOTICES.join(', ')}.`)
}

function address(value: string): string {
  if (value.length <= 2_000 && /^https?:\/\//i.test(value) && URL.canParse(value)) return value
  throw new InvalidArgumentError('It must be an http or https address.')
}
