/** The commands about diagnosis runs.  They say ids, states and codes: records are not for a terminal. */
import type { Command } from 'commander'
import { wholeNumber } from './arguments.ts'

/** As the other commands are added. */
type AddCommand = (
  parent: Command,
  name: string,
  sentence: string,
  examples: readonly string[],
  how?: { isDefault?: boolean },
) => Command

export function diagnosisCommands(program: Command, command: AddCommand, done: (code: number) => void) {
  const diagnosis = program
    .command('diagnosis')
    .description('Diagnosis runs: decision support for clinicians, on synthetic records; ids and states only.')
    .exitOverride()
  const add = (name: string, sentence: string, examples: readonly string[], how?: { isDefault?: boolean }) =>
    command(diagnosis, name, sentence, examples, how).option('--json', 'for programs')
  const as = (one: Command) => one.option('--as <subject>', 'as this person of the practice (default: the operator)')

  add('generate', 'Fill an empty database with synthetic practices; nobody in them exists.', [
    'millrace diagnosis generate',
    'millrace diagnosis generate --patients 1000 --seed 7',
  ])
    .option('--patients <n>', 'how many', wholeNumber(1, 20_000), 200)
    .option('--seed <n>', 'the same seed makes the same people', wholeNumber(0, 4_294_967_295), 1)
    .action(async (options) => done(await (await import('./diagnosis.ts')).generatePractice(options)))
  add('ask', 'Ask for a diagnosis of an assessment; the same question again is the same run.', [
    'millrace diagnosis ask ASSESSMENT --as clinician-1-1',
    'millrace diagnosis ask ASSESSMENT --as clinician-1-1 --correlation visit-7',
  ])
    .argument('<assessment>', 'its id')
    .requiredOption('--as <subject>', 'as this person of the practice')
    .option('--correlation <id>', 'which question this is', 'cli')
    .action(async (id, options) => done(await (await import('./diagnosis.ts')).askFor(id, options)))
  as(
    add('list', 'Runs, newest first.', ['millrace diagnosis list', 'millrace diagnosis list --as clinician-1-1'], {
      isDefault: true,
    }),
  )
    .option('--limit <n>', 'at most so many', wholeNumber(1, 500), 20)
    .option('--open', 'only those that are not over, for the operator')
    .action(async (options) => done(await (await import('./diagnosis.ts')).listDiagnoses(options)))
  as(
    add('show', 'One run: its state, attempts and errors.', [
      'millrace diagnosis show RUN',
      'millrace diagnosis show RUN --json',
    ]),
  )
    .argument('<run>', 'its id')
    .action(async (id, options) => done(await (await import('./diagnosis.ts')).showDiagnosis(id, options)))
  as(
    add('process', 'Let a run come first, and wait for its end; for administrators and the operator.', [
      'millrace diagnosis process RUN',
    ]),
  )
    .argument('<run>', 'its id')
    .action(async (id, options) => done(await (await import('./diagnosis.ts')).processDiagnosis(id, options)))
  as(add('retry', 'A failed run once more: the same run, a new round.', ['millrace diagnosis retry RUN']))
    .argument('<run>', 'its id')
    .action(async (id, options) => done(await (await import('./diagnosis.ts')).retryDiagnosis(id, options)))
  as(
    add('audit', 'Who did what with a run, and when.', [
      'millrace diagnosis audit RUN',
      'millrace diagnosis audit RUN --as admin-1',
    ]),
  )
    .argument('<run>', 'its id')
    .action(async (id, options) => done(await (await import('./diagnosis.ts')).auditOf(id, options)))
  around(add, as, done)
}

type Add = (name: string, sentence: string, examples: readonly string[]) => Command

/** Whose records there are, and who is who. */
function around(add: Add, as: (one: Command) => Command, done: (code: number) => void) {
  const there = () => import('./diagnosis-people.ts')
  const person = (one: Command) => one.requiredOption('--as <subject>', 'as this person of the practice')
  const limit = (one: Command) => one.option('--limit <n>', 'at most so many', wholeNumber(1, 500), 20)

  as(
    add('organisations', 'Which organisations there are, or those of somebody.', ['millrace diagnosis organisations']),
  ).action(async (options) => done(await (await there()).listOrganisations(options)))
  person(
    add('clinicians', 'Clinicians by id, for one who may see them.', ['millrace diagnosis clinicians --as admin-1']),
  ).action(async (options) => done(await (await there()).listClinicians(options)))
  limit(
    person(
      add('patients', 'Patients by id, for one who may see them.', ['millrace diagnosis patients --as clinician-1-1']),
    ),
  )
    .option('--after <id>', 'only those after this id')
    .action(async (options) => done(await (await there()).listPatients(options)))
  limit(
    person(
      add('assessments', 'Whose answers there are: ids, for one who may see them.', [
        'millrace diagnosis assessments --as clinician-1-1',
      ]),
    ),
  )
    .option('--patient <id>', 'of this one alone')
    .action(async (options) => done(await (await there()).listAssessments(options)))
  as(add('people', 'Who is who in an organisation.', ['millrace diagnosis people ORGANISATION']))
    .argument('<organisation>', 'its id')
    .action(async (id, options) => done(await (await there()).listPeople(id, options)))
  as(
    add('appoint', 'Say that somebody who signs in is an administrator, a clinician or a patient.', [
      'millrace diagnosis appoint ORGANISATION user:7 --admin',
      'millrace diagnosis appoint ORGANISATION user:8 --clinician CLINICIAN --as user:7',
    ]),
  )
    .argument('<organisation>', 'its id')
    .argument('<subject>', 'as a sign-in names him: user:7')
    .option('--admin', 'of the organisation')
    .option('--clinician <id>', 'this one')
    .option('--patient <id>', 'this one')
    .action(async (id, subject, options) => done(await (await there()).appointPerson(id, subject, options)))
  as(add('dismiss', 'Take an appointment back.', ['millrace diagnosis dismiss ORGANISATION user:8 --clinician']))
    .argument('<organisation>', 'its id')
    .argument('<subject>', 'as a sign-in names him: user:7')
    .option('--admin', 'no administrator')
    .option('--clinician', 'no clinician')
    .option('--patient', 'no patient')
    .action(async (id, subject, options) => done(await (await there()).dismissPerson(id, subject, options)))
  limit(
    person(
      add('appointments', 'Who made whom what, newest first; for an administrator.', [
        'millrace diagnosis appointments ORGANISATION --as admin-1',
      ]),
    ),
  )
    .argument('<organisation>', 'its id')
    .action(async (id, options) => done(await (await there()).listAppointments(id, options)))
  person(
    add('export', 'All runs that somebody may read, with their contents, into a new file that he alone may read.', [
      'millrace diagnosis export runs.jsonl --as clinician-1-1',
    ]),
  )
    .argument('<file>', 'one that is not there yet')
    .action(async (file, options) => done(await (await there()).exportDiagnoses(file, options)))
}
