/** The commands about tools: which there are, calling one, and writing one. */
import { InvalidArgumentError, Option, type Command } from 'commander'
import { wholeNumber } from './arguments.ts'

type Add = (
  parent: Command,
  name: string,
  sentence: string,
  examples: readonly string[],
  how?: { isDefault?: boolean },
) => Command

export function toolsCommands(program: Command, command: Add, done: (code: number) => void): void {
  const tools = program.command('tools').description('Look at tools, call one, write one.').exitOverride()
  command(
    tools,
    'list',
    'The tools, how they do, and files that do not load with line and reason.',
    ['millrace tools list', 'MILLRACE_TOOLS=tools millrace tools list --json'],
    { isDefault: true },
  )
    .option('--json', 'for programs')
    .action(async (options) => done(await (await import('./tools.ts')).listTools(options)))
  command(tools, 'show', 'One tool: what it takes and gives, its errors, and how it does.', [
    'millrace tools show text_statistics',
  ])
    .argument('<tool>', 'one of `millrace tools list`')
    .option('--json', 'for programs')
    .action(async (name, options) => done(await (await import('./tools.ts')).showTool(name, options)))
  command(tools, 'call', 'Call a tool, as a run that is worked on here; its output is JSON on standard output.', [
    `millrace tools call text_statistics --input '{"text":"Three-words-here."}'`,
    'MILLRACE_TOOLS=tools millrace tools call word_count --input-file input.yaml',
  ])
    .argument('<tool>', 'one of `millrace tools list`')
    .addOption(new Option('--input <json>', 'the input (default: {})').conflicts('inputFile'))
    .option('--input-file <path>', 'a file of it: .json, or YAML')
    .option('--retries <n>', 'how often a call that may go well another time is made once more', wholeNumber(0, 10), 0)
    .option('--json', 'the whole answer, its run and error included')
    .action(async (name, options) => done(await (await import('./tools.ts')).callTool(name, options)))
  command(tools, 'new', 'Write the file of a new tool, one that works, into the folder of your tools.', [
    'millrace tools new word_count --typescript',
    'millrace tools new word_count --python --folder tools',
  ])
    .argument('<name>', 'lower_snake', toolName)
    .addOption(new Option('--typescript', 'in TypeScript (the default)').conflicts('python'))
    .option('--python', 'in Python')
    .option('--folder <path>', 'where it goes (default: MILLRACE_TOOLS, or tools)')
    .action(async (name, options) => done(await (await import('./new-tool.ts')).newTool(name, options)))
  command(
    tools,
    'accept',
    'Take the tools of another MCP server as it describes them now; workers use them when they start.',
    ['MILLRACE_TOOLS=tools millrace tools accept tickets'],
  )
    .argument('<server>', 'the name of its file in the folder, without .mcp.json', toolName)
    .action(async (name) => done(await (await import('./tools.ts')).acceptTools(name)))
  command(tools, 'login', 'Sign in to another MCP server that wants somebody to; calls of its tools use it.', [
    'MILLRACE_TOOLS=tools millrace tools login tickets',
  ])
    .argument('<server>', 'the name of its file in the folder, without .mcp.json', toolName)
    .action(async (name) => done(await (await import('./tools.ts')).loginTools(name)))
  command(tools, 'trace', 'What was behind an error of a tool, by the correlation id that its caller was told.', [
    'millrace tools trace 1f0c3b1e-5b0e-4c7c-9d6a-3f6b0a4f5d21',
  ])
    .argument('<id>', 'correlation id', correlationId)
    .action(async (id) => done(await (await import('./tools.ts')).traceTool(id)))
}

function toolName(given: string): string {
  if (/^[a-z][a-z0-9_]{0,63}$/.test(given)) return given
  throw new InvalidArgumentError('It must be lower_snake: letters, digits and _, at most 64.')
}

function correlationId(given: string): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(given)) return given.toLowerCase()
  throw new InvalidArgumentError('It must be a UUID, as `correlationId` in an error.')
}
