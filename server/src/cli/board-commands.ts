/** The commands about cards, what waits for a person, and the board itself. */
import { InvalidArgumentError, Option, type Command } from 'commander'
import { CARD_STATUSES, PRIORITIES } from '../domains/stage/cards.ts'
import { repeated, wholeNumber } from './arguments.ts'

/** As the other commands are added. */
type AddCommand = (
  parent: Command,
  name: string,
  sentence: string,
  examples: readonly string[],
  how?: { isDefault?: boolean },
) => Command

export function boardCommands(program: Command, command: AddCommand, done: (code: number) => void) {
  const json = (one: Command) => one.option('--json', 'for programs')
  const group = (name: string, sentence: string) => {
    const parent = program.command(name).description(sentence).exitOverride()
    return (name: string, sentence: string, examples: readonly string[], how?: { isDefault?: boolean }) =>
      json(command(parent, name, sentence, examples, how))
  }
  const cards = group('cards', 'Cards on the board: look, put, write, move.')
  const card = (name: string, sentence: string, examples: readonly string[]) =>
    cards(name, sentence, examples).argument('<card>', 'number of the card', wholeNumber(1))
  const priority = () => new Option('--priority <level>', 'before or after other cards').choices(PRIORITIES)

  cards('list', 'Cards, newest first; those of a stage in their order.', ['millrace cards list --stage discovery'], {
    isDefault: true,
  })
    .option('--stage <key>', 'only of this stage')
    .addOption(new Option('--status <status>', 'archived ones only when they are asked for').choices(CARD_STATUSES))
    .option('--search <text>', 'in titles')
    .option('--limit <n>', 'how many', wholeNumber(1, 500), 50)
    .action(async (options) => done(await (await import('./cards.ts')).listAll(options)))
  card('show', 'One card: where it is, what runs on it, what is asked, and how it came there.', [
    'millrace cards show 1',
  ]).action(async (id, options) => done(await (await import('./cards.ts')).showCard(id, options)))
  cards('add', 'Put a card on the board; its stage may begin a run at once.', [
    'millrace cards add "A better inbox"',
    'millrace cards add "A better inbox" --description-file idea.md --stage discovery',
  ])
    .argument('<title>', 'its title')
    .addOption(new Option('--description <text>', 'what it is about').conflicts('descriptionFile'))
    .option('--description-file <path>', 'a file of it')
    .option('--stage <key>', 'into this stage (default: the first)')
    .addOption(priority())
    .action(async (title, options) => done(await (await import('./cards.ts')).add(title, options)))
  card('edit', 'Change what stands on a card.', [
    'millrace cards edit 1 --title "A better inbox" --priority high',
    'millrace cards edit 1 --status paused',
  ])
    .option('--title <text>', 'its title')
    .addOption(new Option('--description <text>', 'what it is about').conflicts('descriptionFile'))
    .option('--description-file <path>', 'a file of it')
    .addOption(priority())
    .addOption(new Option('--status <status>', 'automation leaves alone what is not active').choices(CARD_STATUSES))
    .option('--cancel-run', 'end the run that is under way with this')
    .action(async (id, options) => done(await (await import('./cards.ts')).edit(id, options)))
  card('move', 'Move a card into a stage; that may begin a run.', [
    'millrace cards move 1 discovery',
    'millrace cards move 1 prd --reason "enough is known" --cancel-run',
  ])
    .argument('<stage>', 'key of the stage')
    .option('--reason <text>', 'why; it is kept')
    .option('--before <card>', 'before this card; at the end if left out', wholeNumber(1))
    .option('--cancel-run', 'end the run that is under way with this')
    .action(async (id, to, options) => done(await (await import('./cards.ts')).move(id, to, options)))
  card('run', 'Start the run of the stage in which a card is, whatever its level.', ['millrace cards run 1']).action(
    async (id, options) => done(await (await import('./cards.ts')).run(id, options)),
  )
  card('archive', 'Take a card off the board.', ['millrace cards archive 1'])
    .option('--cancel-run', 'end the run that is under way with this')
    .action(async (id, options) =>
      done(await (await import('./cards.ts')).edit(id, { ...options, status: 'archived' })),
    )
  card('answer', 'Answer a question of a card; then retry the run that waits.', [
    'millrace cards answer 1 3 "For small teams."',
  ])
    .argument('<question>', 'number of the question', wholeNumber(1))
    .argument('<answer>', 'the answer')
    .action(async (id, question, answer, options) =>
      done(await (await import('./cards.ts')).answer(id, question, answer, options)),
    )

  const approvals = group('approvals', 'Runs that wait for a person.')
  const waiting = (name: string, sentence: string, examples: readonly string[]) =>
    approvals(name, sentence, examples).argument('<run>', 'number of the run', wholeNumber(1))
  approvals('list', 'What waits, longest first.', ['millrace approvals list'], { isDefault: true }).action(
    async (options) => done(await (await import('./approvals.ts')).listWaiting(options)),
  )
  waiting('approve', 'Let a run begin, or pass its gates; who, when and what was seen are kept.', [
    'millrace approvals approve 7',
    'millrace approvals approve 7 --reason "the section is in the annex"',
  ])
    .option('--reason <text>', 'why; to pass gates that failed it is needed')
    .action(async (id, options) => done(await (await import('./approvals.ts')).say(id, 'approve', options)))
  waiting('retry', 'Look at its gates once more: its questions are answered, or something was mended.', [
    'millrace approvals retry 7',
  ])
    .option('--reason <text>', 'why')
    .action(async (id, options) => done(await (await import('./approvals.ts')).say(id, 'retry', options)))
  waiting('reject', 'Refuse it: the run is cancelled, and the card stays.', [
    'millrace approvals reject 7 --reason "not this quarter"',
  ])
    .requiredOption('--reason <text>', 'why; it is kept')
    .action(async (id, options) => done(await (await import('./approvals.ts')).say(id, 'cancel', options)))

  const board = group('board', 'The board: its stages, and what automation may do.')
  board('show', 'Stages with their cards, and what runs on them.', ['millrace board show'], { isDefault: true })
    .option('--limit <n>', 'cards of each stage', wholeNumber(1, 200), 20)
    .action(async (options) => done(await (await import('./board.ts')).showBoard(options)))
  board(
    'settings',
    'What automation may do; with --set, change it. A settings.json that has changed is taken in first.',
    ['millrace board settings', 'millrace board settings --set automationMode=auto_all --set workerMaxConcurrency=4'],
  )
    .option('--set <name=value>', 'change this setting; may be repeated', setting, [])
    .action(async (options) => done(await (await import('./board.ts')).settings(options)))
  board('stages', 'The stages in their order; with --set, all of them anew.', [
    'millrace board stages',
    'millrace board stages --set inbox:Ideas,discovery,prd:PRD,validate,done:Done',
  ])
    .option('--set <list>', 'key, or key:name, separated by commas; those left out go, if no card is in them')
    .action(async (options) => done(await (await import('./board.ts')).stages(options)))
}

function setting(value: string, before: readonly string[]): string[] {
  if (/^[A-Za-z]+=/.test(value)) return repeated(value, before)
  throw new InvalidArgumentError('It must be name=value.')
}
