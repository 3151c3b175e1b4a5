/**
 * The command line.  Each command is imported when it is asked for; what a
 * person did wrong is told in one message, with its remedy, and exit code 2.
 */
import { Command, CommanderError, Option } from 'commander'
import { Refusal } from '@millrace/engine'
import { age, amount, key, list, number, orNone, repeated, wholeNumber, wholeNumbers } from './cli/arguments.ts'
import { boardCommands } from './cli/board-commands.ts'
import { cardWorkCommands } from './cli/card-work-commands.ts'
import { diagnosisCommands } from './cli/diagnosis-commands.ts'
import { moneyCommands } from './cli/money-commands.ts'
import { addPeopleCommands } from './cli/people-commands.ts'
import { noticesCommands } from './cli/notices-commands.ts'
import { recipesCommands } from './cli/recipes-commands.ts'
import { tellCause, tellRefusal } from './cli/screen.ts'
import { skillsCommands } from './cli/skills-commands.ts'
import { toolsCommands } from './cli/tools-commands.ts'
import { withoutSecrets } from './config.ts'

/** 0: done. 1: it ran and failed. 2: refused, nothing was done. 130: interrupted. */
export async function main(args: readonly string[]): Promise<number> {
  let code = 0
  // Whoever closes the pipe (`| head -1`) has seen enough.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(141)
    throw error
  })
  const program = commands((result) => (code = result))
  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (error instanceof Refusal) {
      tellRefusal(error)
      if (program.opts()['verbose'] === true) tellCause(error, withoutSecrets)
      return 2
    }
    process.stderr.write(
      `Something went wrong that Millrace did not foresee: ${error instanceof Error ? error.stack : String(error)}\n`,
    )
    return 1
  }
}

/** All commands; the reference is made from them. */
export function commands(done: (code: number) => void = () => {}): Command {
  const program = new Command('millrace')
    .description('Runs AI work that must not be lost: runs of tasks, kept in PostgreSQL, watched live.')
    .version('0.1.0')
    .option('--verbose', 'tell what was behind a refusal too, with its stack')
    .exitOverride()
    .showHelpAfterError('(`--help` shows what there is)')
    .configureHelp({ showGlobalOptions: true })
  const command = (
    parent: Command,
    name: string,
    sentence: string,
    examples: readonly string[],
    how: { isDefault?: boolean } = {},
  ) =>
    parent
      .command(name, how)
      .description(sentence)
      .exitOverride()
      .addHelpText('after', `\nExamples:\n${examples.map((line) => `  $ ${line}`).join('\n')}`)

  command(
    program,
    'up',
    'Start everything here: database, worker and server. On an empty database the example is run once.',
    ['millrace up', 'PORT=8080 millrace up --no-example', 'millrace up --open'],
  )
    .option('--no-example', 'do not run the example on an empty database')
    .option('--open', 'nobody at this machine has to sign in; only while HOST is loopback')
    .action(async (options) => done(await (await import('./cli/up.ts')).up(options)))

  command(program, 'serve', 'Start the server without a worker beside it.', [
    'millrace serve',
    'PORT=8080 millrace serve',
  ]).action(async () => done(await (await import('./cli/serve.ts')).serve()))

  command(program, 'worker', 'Start one more worker process on the same database.', [
    'millrace worker',
    'WORKER_SLOTS=50 millrace worker --name gpu-host',
  ])
    .option('--name <name>', 'what people see it as (default: host and process)')
    .option('--slots <n>', 'tasks at a time (default: WORKER_SLOTS, 200)', wholeNumber(1, 10_000))
    .action(async (options) => done(await (await import('./cli/worker.ts')).worker(options)))

  command(
    program,
    'mcp',
    'Speak MCP on standard input and output, for an agent at this machine; works on what it starts.',
    ['millrace mcp', 'MILLRACE_TOOLS=tools millrace mcp --no-worker'],
  )
    .option('--no-worker', 'perform nothing here: a `worker` or `up` does')
    .action(async (options) => done(await (await import('./cli/mcp.ts')).mcp(options)))

  command(program, 'migrate', 'Bring the database up to date; safe to repeat.', [
    'millrace migrate',
    'DATABASE_URL=postgres://… millrace migrate',
  ]).action(async () => done(await (await import('./cli/migrate.ts')).migrateNow()))

  command(program, 'doctor', 'Look at this installation and say what is wrong and what to do.', [
    'millrace doctor',
    'millrace doctor --json',
  ])
    .option('--json', 'for programs')
    .action(async (options) => done(await (await import('./cli/doctor.ts')).doctor(options)))

  command(program, 'models', 'List the models that can be asked, as the providers list them; costs nothing.', [
    'millrace models',
    'millrace models --provider anthropic --json',
  ])
    .option('--provider <id>', 'only of this one: fake, openai, anthropic, google …')
    .option('--json', 'for programs')
    .action(async (options) => done(await (await import('./cli/models.ts')).models(options)))

  command(program, 'providers', 'Which providers can be asked, and what is missing; costs nothing.', [
    'millrace providers',
    'millrace providers --json',
  ])
    .option('--json', 'for programs')
    .action(async (options) => done(await (await import('./cli/providers.ts')).providers(options)))

  command(
    program,
    'probe',
    'Ask models the scenarios of a definition; the same command again goes on where it stopped.',
    [
      'millrace probe examples/value-dilemma/definition.yaml --models fake:a,fake:b',
      'millrace probe dilemma.yaml --models fake:a --sample 10 --seed 7 --dry-run',
      'millrace probe dilemma.yaml --models openai-compatible:llama3.2 --temperature 0 --json',
    ],
  )
    .argument('<definition>', 'a YAML file, or Markdown with YAML front matter')
    .requiredOption('-m, --models <list>', 'provider:model[@version], separated by commas', list)
    .option('--sample <percent>', 'ask this part of the scenarios, 1 to 100', number)
    .option('--seed <integer>', 'chooses the sample and the wordings (default: 0)')
    .option('--samples <n>', 'ask each scenario this often (default: 1)', number)
    .option('--temperature <number>', 'sent only if given', number)
    .option('--max-tokens <n>', 'longest answer, in tokens', number)
    .option('--max-turns <n>', 'longest conversation (default: 10)', number)
    .addOption(
      new Option('--priority <level>', 'before or after other runs')
        .choices(['low', 'normal', 'high'])
        .default('normal'),
    )
    .addOption(
      new Option('--worker <which>', 'who holds the conversations; the answers are the same')
        .choices(['inline', 'python'])
        .default('inline'),
    )
    .option('--test', 'try it out: one scenario, the first model')
    .option('--dry-run', 'say what would be asked, and stop')
    .option('--new', 'start another run even if one like it is unfinished')
    .option('--budget-tokens <n>', 'the most tokens that the run may use', wholeNumber(1))
    .option('--budget-usd <amount>', 'the most US dollars that the run may cost; needs --max-tokens', amount)
    .option('--out <path>', 'where the CSV goes (default: exports/ in the folder of Millrace)')
    .option('--json', 'one JSON document on standard output, progress on standard error')
    .action(async (file, options) => done(await (await import('./cli/probe.ts')).probe(file, options)))

  command(
    program,
    'simulator',
    'Serve six providers without a key: their wire formats, with answers, times and faults that hang on a seed.',
    [
      'millrace simulator',
      'millrace simulator --seed 7 --fault rate-limit=0.05 --fault server-error=0.05',
      'millrace simulator --latency 200 --requests-per-second 50 --credit 100calls',
    ],
  )
    .option('--port <n>', 'where it listens; 0 takes a free one', wholeNumber(0, 65_535), 4010)
    .option('--seed <text>', 'chooses answers, times and faults', '0')
    .option('--latency <ms>', 'milliseconds of every answer (default: 100 to 400, by the request)', wholeNumber(0))
    .option('--fault <name=rate>', 'let this part of the requests, 0 to 1, fail so; may be repeated', repeated, [])
    .option('--requests-per-second <n>', 'what each provider allows', amount)
    .option('--requests-per-minute <n>', 'what each provider allows', amount)
    .option('--tokens-per-minute <n>', 'what each provider allows', amount)
    .option('--concurrency <n>', 'requests at a time that each provider allows', wholeNumber(1))
    .option('--credit <amount>', 'what each provider gives until it says that the credit is used up: 5usd, 100calls')
    .action(async (options) => done(await (await import('./cli/simulator.ts')).simulate(options)))

  command(program, 'kinds', 'List the kinds of runs: their tasks, and what they are started with.', [
    'millrace kinds',
    'MILLRACE_KINDS=examples/own-kind millrace kinds --json',
  ])
    .option('--json', 'for programs: with JSON schemas of inputs and outputs')
    .action(async (options) => done(await (await import('./cli/kinds.ts')).listKinds(options)))

  const runs = program.command('runs').description('Look at runs and steer them.').exitOverride()
  const run = (name: string, sentence: string, examples: readonly string[]) =>
    command(runs, name, sentence, examples).argument('<run>', 'number of the run', wholeNumber(1))

  command(runs, 'list', 'The newest runs.', ['millrace runs list', 'millrace runs list --limit 5 --json'])
    .option('--limit <n>', 'how many', wholeNumber(1, 1_000), 20)
    .option('--before <run>', 'only runs before this one', wholeNumber(1))
    .option('--json', 'for programs')
    .action(async (options) => done(await (await import('./cli/runs.ts')).listRuns(options)))
  command(runs, 'start', 'Start a run of any kind; with --wait, work on it here and tell how it ended.', [
    `millrace runs start words --input '{"texts":["one","and","two"]}' --wait`,
    'MILLRACE_KINDS=examples/own-kind millrace runs start prices --input-file examples/own-kind/input.yaml --wait',
    'millrace runs start words --input-file input.json --key today --hold',
  ])
    .argument('<kind>', 'one of `millrace kinds`')
    .addOption(new Option('--input <json>', 'the input (default: {})').conflicts('inputFile'))
    .option('--input-file <path>', 'a file of it: .json, or YAML')
    .addOption(
      new Option('--priority <level>', 'before or after other runs')
        .choices(['low', 'normal', 'high'])
        .default('normal'),
    )
    .option('--key <text>', 'the same key with the same input is the same run, however often it is started')
    .option('--hold', 'let nobody claim from it until `millrace runs resume`')
    .option('--wait', 'work on it in this process until it has ended: exit code 0 if it succeeded, else 1')
    .option('--json', 'one JSON document on standard output, progress on standard error')
    .action(async (kind, options) => done(await (await import('./cli/start-run.ts')).startRun(kind, options)))
  run('show', 'One run: how far it is, and its results.', ['millrace runs show 1'])
    .option('--json', 'for programs')
    .action(async (id, options) => done(await (await import('./cli/runs.ts')).showRun(id, options)))
  run('analysis', 'What the answers of a run say: models, dimensions, agreement, what is contested.', [
    'millrace runs analysis 1',
    'millrace runs analysis 1 --json',
  ])
    .option('--json', 'for programs')
    .action(async (id, options) => done(await (await import('./cli/analysis.ts')).showAnalysis(id, options)))
  run('analyze', 'Make the analysis of a run anew, when its decisions were changed.', ['millrace runs analyze 1'])
    .option('--json', 'for programs')
    .action(async (id, options) => done(await (await import('./cli/analysis.ts')).analyzeRun(id, options)))
  command(runs, 'compare', 'Runs of one definition beside one another, or the models of one run.', [
    'millrace runs compare 1 2',
    'millrace runs compare 1 --seed 7 --json',
  ])
    .argument('<runs...>', 'numbers of the runs', wholeNumbers)
    .option('--seed <integer>', 'chooses what is drawn (default: 1)', wholeNumber(0, 4_294_967_295), 1)
    .option('--json', 'for programs')
    .action(async (ids, options) => done(await (await import('./cli/compare.ts')).compare(ids, options)))
  run('efficiency', 'Where the time of a run went: calls, failures, pauses, limits; and which snapshots answered.', [
    'millrace runs efficiency 1',
  ])
    .option('--json', 'for programs')
    .action(async (id, options) => done(await (await import('./cli/efficiency.ts')).efficiency(id, options)))
  run('logs', 'What happened in a run, event by event.', [
    'millrace runs logs 1',
    'millrace runs logs 1 --follow --after 20',
  ])
    .option('-f, --follow', 'go on until the run ends')
    .option('--after <n>', 'begin after this event', wholeNumber(0), 0)
    .option('--json', 'one JSON document a line')
    .action(async (id, options) => done(await (await import('./cli/runs.ts')).logs(id, options)))
  run('export', 'Write the transcripts of a run to a file, or to standard output.', [
    'millrace runs export 1',
    'millrace runs export 1 --columns all --texts --out results.csv',
    'millrace runs export 1 --format jsonl --out - | jq .decision',
  ])
    .addOption(
      new Option('--format <format>', 'CSV for spreadsheets, JSONL for programs')
        .choices(['csv', 'jsonl'])
        .default('csv'),
    )
    .addOption(
      new Option('--columns <set>', 'the nine of the contract, or all')
        .choices(['contract', 'all'])
        .default('contract'),
    )
    .option('--texts', 'add the prompt and the answer')
    .option('--out <path>', 'a file, a folder, or - (default: exports/ in the folder of Millrace)')
    .action(async (id, options) => done(await (await import('./cli/runs.ts')).exportTranscripts(id, options)))
  run(
    'decide',
    'Put your decision in place of the one that was read from a transcript; it is recorded with your name and the time.',
    ['millrace runs decide 1 17 4', 'millrace runs decide 1 17 refusal'],
  )
    .argument('<transcript>', 'number of the transcript in its run', wholeNumber(1))
    .argument('<code>', 'a code of the scale, or refusal, other, unparsed')
    .action(async (id, task, code) => done(await (await import('./cli/runs.ts')).decideTranscript(id, task, code)))
  run('pause', 'Let nobody claim from a run; what is under way is finished.', ['millrace runs pause 1']).action(
    async (id) => done(await (await import('./cli/runs.ts')).steer(id, 'hold')),
  )
  run('resume', 'Let a paused run go on.', ['millrace runs resume 1']).action(async (id) =>
    done(await (await import('./cli/runs.ts')).steer(id, 'release')),
  )
  run('retry', 'Do once more what failed or was cancelled, in a new round.', [
    'millrace runs retry 1',
    'millrace runs retry 1 --wait',
  ])
    .option('--all', 'also what succeeded (not for probes: a slot keeps its transcript)')
    .option('--wait', 'work on it until it ends')
    .action(async (id, options) => done(await (await import('./cli/retry.ts')).retryRun(id, options)))
  run('why', 'Why does it not go on?  One sentence for each part that waits.', ['millrace runs why 1'])
    .option('--json', 'for programs')
    .action(async (id, options) => done(await (await import('./cli/why.ts')).whyRun(id, options)))
  command(runs, 'prune', 'Throw away runs that ended long ago, whole; a line of each stays in the archive.', [
    'millrace runs prune --older-than 30d',
    'millrace runs prune --older-than 12h --kind probe --yes',
  ])
    .requiredOption('--older-than <age>', 'how long ago they ended: 12h, 30d, 8w', age)
    .option('--kind <kind>', 'only runs of this kind')
    .option('--yes', 'do not ask')
    .action(async (options) => done(await (await import('./cli/retention.ts')).pruneRuns(options)))
  run('artifacts', 'What the tasks of a run made: a list, or files.', [
    'millrace runs artifacts 1',
    'millrace runs artifacts 1 --out results',
  ])
    .option('--out <folder>', 'write them there: FOLDER/TASK/NAME')
    .option('--force', 'write over files that are there')
    .option('--json', 'for programs')
    .action(async (id, options) => done(await (await import('./cli/artifacts.ts')).artifactsOf(id, options)))
  run('budget', 'What a run may use in all, and has used; what one more task could use must fit.', [
    'millrace runs budget 1',
    'millrace runs budget 1 --tokens 2000000',
    'millrace runs budget 1 --usd 2.50',
    'millrace runs budget 1 --none',
  ])
    .option('--tokens <n>', 'tokens, those that were used included', wholeNumber(0))
    .option('--usd <amount>', 'US dollars, those that were used included', amount)
    .option('--none', 'as much as it likes')
    .option('--json', 'for programs')
    .action(async (id, options) => done(await (await import('./cli/budget.ts')).budgetOfRun(id, options)))
  run('cancel', 'End a run; its results so far stay.', ['millrace runs cancel 1']).action(async (id) =>
    done(await (await import('./cli/runs.ts')).steer(id, 'cancel')),
  )

  const limits = program.command('limits').description('How much at a time and a minute, by key.').exitOverride()
  const limit = (name: string, sentence: string, examples: readonly string[]) =>
    command(limits, name, sentence, examples).argument('<key>', 'for probes the provider: fake, openai-compatible', key)
  command(limits, 'list', 'All keys, and who waits there.', ['millrace limits list', 'millrace limits list --json'], {
    isDefault: true,
  })
    .option('--json', 'for programs')
    .action(async (options) => done(await (await import('./cli/limits.ts')).listLimits(options)))
  limit('set', 'Limit a key for all workers and runs; what is not named stays as it is.', [
    'millrace limits set openai-compatible --concurrency 4',
    'millrace limits set openai-compatible --requests 500 --tokens 200000',
    'millrace limits set openai-compatible --tokens none',
  ])
    .option('--concurrency <n>', 'tasks at a time', orNone(wholeNumber(0, 1_000_000)))
    .option('--requests <n>', 'requests a minute', orNone(amount))
    .option('--tokens <n>', 'tokens a minute', orNone(amount))
    .action(async (name, options) => done(await (await import('./cli/limits.ts')).setLimit(name, options)))
  limit('stop', 'Let nothing begin under a key; what is under way ends.', ['millrace limits stop fake']).action(
    async (name) => done(await (await import('./cli/limits.ts')).stopKey(name)),
  )
  limit('release', 'Let a key go on that was stopped, by a person or by a failure such as BILLING.', [
    'millrace limits release fake',
  ]).action(async (name) => done(await (await import('./cli/limits.ts')).releaseKey(name)))

  boardCommands(program, command, done)
  cardWorkCommands(program, command, done)
  diagnosisCommands(program, command, done)
  moneyCommands(program, command, done)
  addPeopleCommands(program, command, done)
  toolsCommands(program, command, done)
  recipesCommands(program, command, done)
  noticesCommands(program, command, done)
  skillsCommands(program, command, done)

  command(program, 'workers', 'Who performs tasks, and who did so in the last hour.', [
    'millrace workers',
    'millrace workers --json',
  ])
    .option('--json', 'for programs')
    .action(async (options) => done(await (await import('./cli/workers.ts')).workers(options)))
  return program
}
