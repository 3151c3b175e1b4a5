/** The commands about what hangs on a card: its documents, its records, and following it until it rests. */
import type { Command } from 'commander'
import { wholeNumber } from './arguments.ts'

type AddCommand = (parent: Command, name: string, sentence: string, examples: readonly string[]) => Command

export function cardWorkCommands(program: Command, command: AddCommand, done: (code: number) => void): void {
  const cards = program.commands.find((one) => one.name() === 'cards')
  if (cards === undefined) throw new Error('there are no commands about cards')
  const card = (name: string, sentence: string, examples: readonly string[]) =>
    command(cards, name, sentence, examples).argument('<card>', 'number of the card', wholeNumber(1))

  card('documents', 'Documents of a card, or the text of one.', [
    'millrace cards documents 1',
    'millrace cards documents 1 prd.md',
  ])
    .argument('[path]', 'name of a document')
    .option('--json', 'for programs')
    .action(async (id, path, options) => done(await (await import('./card-work.ts')).documents(id, path, options)))
  card('write', 'Write a document of a card: a version more, whoever wrote the one before.', [
    'millrace cards write 1 pricing.md ./pricing.md',
  ])
    .argument('<path>', 'name of the document')
    .argument('<file>', 'a file of its text')
    .action(async (id, path, file) => done(await (await import('./card-work.ts')).write(id, path, file)))
  card('artifacts', 'Files, links and metrics of a card.', ['millrace cards artifacts 1'])
    .option('--json', 'for programs')
    .action(async (id, options) => done(await (await import('./card-gates.ts')).artifacts(id, options)))
  card('gates', 'What its gates found last, with the evidence; or what those of a stage say now.', [
    'millrace cards gates 1',
    'millrace cards gates 1 --stage validate',
  ])
    .option('--stage <key>', 'ask the gates of this stage now; nothing is run')
    .option('--json', 'for programs')
    .action(async (id, options) => done(await (await import('./card-gates.ts')).gates(id, options)))
  card('records', 'What skills have left as rows: hypotheses, prototypes, the jury, tickets.', [
    'millrace cards records 1',
    'millrace cards records 1 --json',
  ])
    .option('--json', 'for programs')
    .action(async (id, options) => done(await (await import('./card-work.ts')).records(id, options)))
  card('follow', 'Follow a card until it rests: nothing runs on it, or it waits for a person.', [
    'millrace cards follow 1',
    'millrace cards follow 1 --work',
  ])
    .option('--work', 'perform in this process too, so that no worker is needed')
    .option('--quiet', 'say only where it rests')
    .option('--json', 'for programs')
    .action(async (id, options) => done(await (await import('./card-work.ts')).follow(id, options)))
}
