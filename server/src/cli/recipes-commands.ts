/** The commands about recipes: which there are, writing the usual ones, changing one, trying one. */
import { Option, type Command } from 'commander'
import { wholeNumber } from './arguments.ts'

type Add = (
  parent: Command,
  name: string,
  sentence: string,
  examples: readonly string[],
  how?: { isDefault?: boolean },
) => Command

export function recipesCommands(program: Command, command: Add, done: (code: number) => void): void {
  const recipes = program
    .command('recipes')
    .description('Look at what stages do with cards, and change it.')
    .exitOverride()
  command(
    recipes,
    'list',
    'The recipe of each stage: how far it goes by itself, its steps and gates.',
    ['millrace recipes list', 'millrace recipes list --json'],
    { isDefault: true },
  )
    .option('--json', 'for programs')
    .action(async (options) => done(await (await import('./recipes.ts')).listRecipes(options)))
  command(recipes, 'show', 'One recipe as a file that `set` takes, and what is right and wrong with it.', [
    'millrace recipes show prd',
    'millrace recipes show prd > prd.yaml',
  ])
    .argument('<stage>', 'key of a stage')
    .option('--json', 'for programs')
    .action(async (stage, options) => done(await (await import('./recipes.ts')).showRecipe(stage, options)))
  command(recipes, 'init', 'Write a useful recipe for each of the usual stages that has none.', [
    'millrace recipes init',
    'millrace recipes init --provider fake',
  ])
    .option('--provider <id>', 'who is asked (default: anthropic)')
    .action(async (options) => done(await (await import('./recipes.ts')).initRecipes(options)))
  command(
    recipes,
    'set',
    'Change recipes, or make the first one of a stage, from files; what they do not name stays.',
    ['millrace recipes set prd.yaml', 'millrace recipes set strict.yaml --stage design'],
  )
    .argument('<file...>', 'YAML or JSON with `stage` and fields of a recipe')
    .addOption(stageOption())
    .option('--base <version>', 'change it only if it is at this version; 0: only if there is none', wholeNumber(0))
    .action(async (files, options) => done(await (await import('./recipes.ts')).setRecipes(files, options)))
  command(recipes, 'check', 'Say what `set` would say; nothing is kept.', ['millrace recipes check prd.yaml'])
    .argument('<file>', 'YAML or JSON with `stage` and fields of a recipe')
    .addOption(stageOption())
    .option('--json', 'for programs')
    .action(async (file, options) => done(await (await import('./recipes.ts')).checkRecipeFile(file, options)))
  for (const [name, sentence] of [
    ['disable', 'Let a stage do nothing with cards, and keep its recipe.'],
    ['enable', 'Let a stage work by its recipe again.'],
  ] as const) {
    command(recipes, name, sentence, [`millrace recipes ${name} build`])
      .argument('<stage>', 'key of a stage')
      .action(async (stage) => done(await (await import('./recipes.ts')).enableRecipe(stage, name === 'enable')))
  }
}

const stageOption = () => new Option('--stage <key>', 'of which stage, where the file does not say it')
