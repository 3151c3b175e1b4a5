/** The commands about money and keys. */
import { Option, type Command } from 'commander'
import { Refusal } from '@millrace/engine'
import { amount, wholeNumber } from './arguments.ts'

/** As the other commands are added. */
type AddCommand = (
  parent: Command,
  name: string,
  sentence: string,
  examples: readonly string[],
  how?: { isDefault?: boolean },
) => Command

export function moneyCommands(program: Command, command: AddCommand, done: (code: number) => void) {
  command(program, 'usage', 'Calls, tokens and cost of the last days, as the ledger has them.', [
    'millrace usage',
    'millrace usage --days 7 --by model --json',
  ])
    .option('--days <n>', 'how many, today included (UTC)', wholeNumber(1, 36_500), 30)
    .addOption(new Option('--by <what>', 'a line for each').choices(['day', 'model', 'run']).default('day'))
    .option('--json', 'for programs')
    .action(async (options) => done(await (await import('./usage.ts')).usage(options)))

  const budget = program.command('budget').description('What all runs together may use.').exitOverride()
  const all = ['millrace budget show', 'millrace budget show --json']
  command(budget, 'show', 'What all runs together may use in all, and have used.', all, { isDefault: true })
    .option('--json', 'for programs')
    .action(async (options) => done(await (await import('./budget.ts')).showBudget(options)))
  command(budget, 'set', 'Let all runs together use no more; what is not named stays as it is.', [
    'millrace budget set --usd 100',
    'millrace budget set --usd 100 --tokens 50000000',
  ])
    .option('--usd <amount>', 'US dollars, those that were used included', amount)
    .option('--tokens <n>', 'tokens, those that were used included', wholeNumber(0))
    .option('--json', 'for programs')
    .action(async (options) => done(await (await import('./budget.ts')).setBudget(options)))
  command(budget, 'lift', 'Take the budget away.', ['millrace budget lift']).action(async () =>
    done(await (await import('./budget.ts')).liftBudget()),
  )

  keyCommands(program, command, done)
}

function keyCommands(program: Command, command: AddCommand, done: (code: number) => void) {
  const keys = program.command('keys').description('Keys of providers, sealed in the database.').exitOverride()
  const add: AddCommand = (...what) => refusingMore(command(...what))
  add(
    keys,
    'list',
    'Which keys there are, by their fingerprints.',
    ['millrace keys list', 'millrace keys list --json'],
    {
      isDefault: true,
    },
  )
    .option('--json', 'for programs')
    .action(async (options) => done(await (await import('./keys.ts')).showKeys(options)))
  add(
    keys,
    'set',
    'Keep a key: read from standard input, or typed where nobody sees it; never an argument. Workers have it within seconds.',
    ['millrace keys set openai', 'millrace keys set anthropic < key.txt'],
  )
    .argument('<provider>', 'openai, anthropic, google, xai, deepseek, mistral, openai-compatible')
    .action(async (provider) => done(await (await import('./keys.ts')).setProviderKey(provider)))
  add(keys, 'remove', 'Forget a key of the database; one in the environment is used again.', [
    'millrace keys remove openai',
  ])
    .argument('<provider>', 'whose')
    .action(async (provider) => done(await (await import('./keys.ts')).removeProviderKey(provider)))
  add(keys, 'rotate-secret', 'Seal all keys anew, with a new secret; the keys stay.', [
    'millrace keys rotate-secret',
    'MILLRACE_SECRET=NEW,OLD millrace keys rotate-secret',
  ]).action(async () => done(await (await import('./keys.ts')).rotate()))
}

/** Commander quotes what is too much, and that may be a key. */
function refusingMore(command: Command): Command {
  return command
    .allowExcessArguments()
    .allowUnknownOption()
    .hook('preAction', (_, { args, registeredArguments }) => {
      if (args.length <= registeredArguments.length) return
      throw new Refusal('TOO_MUCH_SAID', 'That is more than this command takes; a key is never an argument.', {
        remedy:
          'Others may see arguments in the list of processes and in the history of the shell: a key that stood there is known, so make a new one.',
      })
    })
}
