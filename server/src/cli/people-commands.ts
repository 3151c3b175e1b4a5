/** The commands about people: who may sign in, into which workspaces, and the keys of programs. */
import { InvalidArgumentError, Option, type Command } from 'commander'
import { SCOPES, type Scope } from '../access/signed-in.ts'

type Add = (
  parent: Command,
  name: string,
  sentence: string,
  examples: readonly string[],
  how?: { isDefault?: boolean },
) => Command

export function addPeopleCommands(program: Command, command: Add, done: (code: number) => void): void {
  const role = () => new Option('--role <role>', 'in the workspace').choices(['admin', 'member', 'viewer'])

  const users = program.command('users').description('Who may sign in.').exitOverride()
  command(users, 'list', 'All accounts.', ['millrace users list', 'millrace users list --json'], { isDefault: true })
    .option('--json', 'for programs')
    .action(async (options) => done(await (await import('./people.ts')).usersList(options)))
  command(
    users,
    'add',
    'Make an account, or give one a role, and vouch that the address is that person’s. Prints a link for signing in.',
    ['millrace users add ada@example.org --role member', 'millrace users add boss@example.org --operator'],
  )
    .argument('<email>', 'address of the person', email)
    .addOption(role().default('member'))
    .option('--workspace <name>', 'which one', 'default')
    .option('--name <name>', 'as others see him (default: what stands before the @)')
    .option('--operator', 'may change people, workspaces and limits of the whole installation')
    .action(async (address, options) => done(await (await import('./people.ts')).usersAdd(address, options)))
  const user = (name: string, sentence: string) =>
    command(users, name, sentence, [`millrace users ${name} ada@example.org`]).argument(
      '<email>',
      'address of the person',
      email,
    )
  user('link', 'Print a one-time link with which somebody signs in, for example who forgot his password.').action(
    async (address) => done(await (await import('./people.ts')).usersLink(address)),
  )
  user('password', 'Set somebody’s password: typed twice, or one line on standard input. His sessions end.').action(
    async (address) => done(await (await import('./people.ts')).usersPassword(address)),
  )
  user('disable', 'Let somebody in no more; his sessions, keys and links end at once, for good.').action(
    async (address) => done(await (await import('./people.ts')).usersDisable(address, true)),
  )
  user('enable', 'Let somebody in again who was disabled.').action(async (address) =>
    done(await (await import('./people.ts')).usersDisable(address, false)),
  )

  const workspaces = program.command('workspaces').description('Who works apart from whom.').exitOverride()
  command(workspaces, 'list', 'All workspaces.', ['millrace workspaces list'], { isDefault: true })
    .option('--json', 'for programs')
    .action(async (options) => done(await (await import('./people.ts')).workspacesList(options)))
  command(workspaces, 'add', 'Make a workspace.', ['millrace workspaces add research'])
    .argument('<name>', 'lower case letters, digits and dashes', workspaceName)
    .action(async (name) => done(await (await import('./people.ts')).workspacesAdd(name)))

  const tokens = program.command('tokens').description('Keys with which programs ask this server.').exitOverride()
  command(
    tokens,
    'list',
    'All keys; the secrets are nowhere.',
    ['millrace tokens list', 'millrace tokens list --json'],
    {
      isDefault: true,
    },
  )
    .option('--json', 'for programs')
    .action(async (options) => done(await (await import('./people.ts')).tokensList(options)))
  command(tokens, 'create', 'Make a key and print it, this once.', [
    'millrace tokens create --name ci --scope runs:read,runs:write --expires 30d',
    'millrace tokens create --name notebook --scope runs:read --user ada@example.org --workspace research',
  ])
    .requiredOption('--name <name>', 'what it is for')
    .requiredOption('--scope <list>', `what it may, separated by commas: ${SCOPES.join(', ')}`, scopes)
    .option('--expires <age>', 'when it ends: 12h (at least a day), 90d, 26w', days, 90)
    .option('--workspace <name>', 'only there (default: every workspace of its person)')
    .option('--user <email>', 'whose it is (default: the first operator)', email)
    .action(async (options) => done(await (await import('./people.ts')).tokensCreate(options)))
  command(tokens, 'revoke', 'End a key at once.', ['millrace tokens revoke k3x7abq2mn'])
    .argument('<id>', 'as `millrace tokens list` shows it')
    .action(async (id) => done(await (await import('./people.ts')).tokensRevoke(id)))
}

function email(value: string): string {
  if (/^[^\s\p{Cc}@]+@[^\s\p{Cc}@]+$/u.test(value) && value.length <= 254) return value.toLowerCase()
  throw new InvalidArgumentError('It must be an address: name@host.')
}

function workspaceName(value: string): string {
  if (/^[a-z0-9][a-z0-9-]{0,62}$/.test(value)) return value
  throw new InvalidArgumentError('It must be lower case letters, digits and dashes, 63 at most.')
}

function scopes(value: string): Scope[] {
  const words = value.split(',').map((word) => word.trim())
  const known = SCOPES.filter((scope) => words.includes(scope))
  if (known.length === new Set(words).size) return known
  throw new InvalidArgumentError(`Each must be one of ${SCOPES.join(', ')}.`)
}

function days(value: string): number {
  const [, amount, unit = ''] = /^(\d{1,4})([hdw])$/.exec(value) ?? []
  const hours = Number(amount) * ({ h: 1, d: 24, w: 168 }[unit] ?? 0)
  if (hours >= 1 && hours <= 730 * 24) return Math.ceil(hours / 24)
  throw new InvalidArgumentError('It must be hours, days or weeks, at most 730d: 90d, 26w.')
}
