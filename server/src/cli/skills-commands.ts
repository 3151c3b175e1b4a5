/** The commands about skills: which there are, bringing them, and what is thought of them. */
import { Option, type Command } from 'commander'
import { wholeNumber } from './arguments.ts'

type Add = (
  parent: Command,
  name: string,
  sentence: string,
  examples: readonly string[],
  how?: { isDefault?: boolean },
) => Command

const LEVELS = ['vetted', 'community', 'experimental']

export function skillsCommands(program: Command, command: Add, done: (code: number) => void): void {
  const skills = program.command('skills').description('Read skills, bring them, say which are trusted.').exitOverride()
  const one = (name: string, sentence: string, examples: readonly string[]) =>
    command(skills, name, sentence, examples).argument('<skill>', 'its number, key or name')
  command(
    skills,
    'list',
    'The skills of the workspace.',
    ['millrace skills list', 'millrace skills list --trust community'],
    {
      isDefault: true,
    },
  )
    .option('--q <words>', 'in names, descriptions and tags')
    .addOption(new Option('--source <source>', 'where they come from').choices(['local', 'skillsmp']))
    .addOption(new Option('--trust <level>', 'what is thought of them').choices(LEVELS))
    .option('--tag <tag>', 'with this tag')
    .option('--json', 'for programs')
    .action(async (options) => done(await (await import('./skills.ts')).skillsList(options)))
  one('show', 'One skill: what it takes and gives, its files, its prompt, and who trusted it.', [
    'millrace skills show summarize-text',
    'millrace skills show 3 --at 1 --json',
  ])
    .option('--at <version>', 'a version before', wholeNumber(1, 2_147_483_647))
    .option('--json', 'for programs')
    .action(async (named, options) => done(await (await import('./skills.ts')).skillsShow(named, options)))
  command(skills, 'sync', 'Read what ships with Millrace and the folder of skills: add, update, mark what has gone.', [
    'millrace skills sync',
    'MILLRACE_SKILLS=team/skills millrace skills sync --json',
  ])
    .option('--json', 'for programs')
    .action(async (options) => done(await (await import('./skills.ts')).skillsSync(options)))
  command(skills, 'import', 'Bring one skill from a folder or an archive; it is community, whatever it says.', [
    'millrace skills import downloads/pdf-tools',
    'millrace skills import skills-main.zip --within skills/pdf --skillsmp smp_abc123 --pin',
  ])
    .argument('<path>', 'a folder, or a .zip, .tar or .tar.gz')
    .option('--within <folder>', 'the folder of the skill in the archive, where it holds several')
    .option('--skillsmp <id>', 'its id at SkillsMP: what is said there is kept beside it')
    .option('--pin', 'it stays at this version, whatever is imported later')
    .option('--json', 'for programs')
    .action(async (path, options) => done(await (await import('./skills.ts')).skillsImport(path, options)))
  one('vet', 'Say what is thought of the content of a skill, as an act with your name; the next content begins anew.', [
    'millrace skills vet pdf-tools --note "read the prompt and both scripts"',
    'millrace skills vet 3 --level experimental',
  ])
    .addOption(new Option('--level <level>', 'what is thought of it').choices(LEVELS).default('vetted'))
    .option('--note <words>', 'why')
    .option('--at <version>', 'a version before', wholeNumber(1, 2_147_483_647))
    .option('--digest <digest>', 'of what was looked at; other content meanwhile is refused')
    .action(async (named, options) => done(await (await import('./skills.ts')).skillsVet(named, options)))
  one('remove', 'Show a skill no more; one that a recipe uses stays.', ['millrace skills remove pdf-tools']).action(
    async (named) => done(await (await import('./skills.ts')).skillsRemove(named)),
  )
  command(skills, 'search', 'Ask the marketplace SkillsMP, with the key SKILLMP_API_KEY.', [
    'millrace skills search "prd generation"',
  ])
    .argument('<words>', 'what it is to do')
    .option('--page <n>', 'twenty a page', wholeNumber(1, 10_000), 1)
    .option('--json', 'for programs')
    .action(async (words, options) => done(await (await import('./skills.ts')).skillsSearch(words, options)))
  command(skills, 'check', 'Read a folder as a skill and say what is wrong, with lines; nothing is kept.', [
    'millrace skills check skills/summarize-text',
  ])
    .argument('<folder>', 'with a SKILL.md')
    .option('--json', 'for programs')
    .action(async (folder, options) => done(await (await import('./skills.ts')).skillsCheck(folder, options)))
}
