/** The rules of the tools' door, of routes and of logs, each with ways of breaking it that must be found. */
import { STATES } from '../server/src/tools/lifecycle.ts'
import type { Check, Rule } from './rule-book.ts'
import { fieldOf, isUse, lineOf, listOf, memberOf, nameOf, nodesOf, wordOf, type Found, type Node } from './syntax.ts'
import { files, textOf } from './tree.ts'

/** The files that are looked at; a test puts one that breaks a rule among them. */
export interface Sources {
  readonly paths: (pattern: RegExp) => string[]
  readonly text: (path: string) => string
}
export const house: Sources = { paths: files, text: textOf }

export interface Proved extends Check<Sources> {
  readonly look: (sources: Sources) => string[]
  /** Each a way around the rule: the file where it stands, and its text from what is there. */
  readonly breaks: readonly {
    readonly how: string
    readonly path: string
    readonly text: (now: string) => string
  }[]
}

export const TOOL_RULES: readonly Rule[] = [
  { id: 'R-TOOL-001', says: 'only the runner opens a tool: its handler is held by nobody else', scope: 'house' },
  {
    id: 'R-TOOL-002',
    says: 'calls are counted once, in the `finally` of the runner, and nowhere else',
    scope: 'house',
  },
  {
    id: 'R-TOOL-003',
    says: 'only the declared words are states of a tool, in code and in the database',
    scope: 'house',
  },
  { id: 'R-HTTP-001', says: 'the door alone turns errors into answers: no route maps its own', scope: 'house' },
  { id: 'R-LOG-001', says: 'nothing in the server writes to the console', scope: 'house' },
]

const RUNNER = 'server/src/tools/runner.ts'
const SERVER = /^server\/src\/.*(?<!\.test)\.ts$/
const TOOLS = /^server\/src\/(tools|domains\/tool)\/.*(?<!\.test)\.ts$|^server\/src\/(http\/routes|cli)\/tools\.ts$/

function each(sources: Sources, pattern: RegExp, look: (found: Found, path: string) => string | undefined): string[] {
  const paths = sources.paths(pattern)
  if (paths.length === 0) return ['no file was looked at']
  return paths.flatMap((path) => {
    const text = sources.text(path)
    return nodesOf(path, text).flatMap((found) => {
      const wrong = look(found, path)
      return wrong === undefined ? [] : [`${path}:${lineOf(text, found.node)} ${wrong}`]
    })
  })
}

/** The innermost function around, by its name. */
function functionOf(above: readonly Node[]): string | undefined {
  const around = above.findLast(({ type }) => /Function/.test(type))
  return nameOf(fieldOf(around, 'id'))
}

const isInline = (node: Node | undefined) => node !== undefined && /^(Arrow)?FunctionExpression$/.test(node.type)

/** What is wrong with a place where `defineTool` stands. */
function aboutDefine({ node, above }: Found): string | undefined {
  const mentions = nameOf(node) === 'defineTool' || memberOf(node) === 'defineTool'
  if (!mentions) return undefined
  const parent = above.at(-1)
  if (parent?.type === 'ImportSpecifier') {
    return nameOf(fieldOf(parent, 'local')) === 'defineTool' ? undefined : 'gives defineTool another name'
  }
  if (parent?.type === 'FunctionDeclaration' || parent?.type === 'ExportSpecifier') return undefined
  if (parent?.type === 'MemberExpression' && memberOf(parent) === 'defineTool') return undefined
  if (parent?.type !== 'CallExpression' || fieldOf(parent, 'callee') !== node) return 'passes defineTool on'
  const [definition] = listOf(parent, 'arguments')
  const parts = definition?.type === 'ObjectExpression' ? listOf(definition, 'properties') : []
  const runs = parts.filter((part) => (nameOf(fieldOf(part, 'key')) ?? wordOf(fieldOf(part, 'key'))) === 'run')
  const whole = parts.every(({ type, computed }) => type === 'Property' && computed !== true)
  return whole && runs.length === 1 && isInline(fieldOf(runs[0], 'value'))
    ? undefined
    : 'defines a tool whose handler somebody else could hold: write it into the call'
}

/** What is wrong with a place where the map of handlers stands, in the runner itself. */
function aboutHandlers(found: Found): string | undefined {
  const { node, above } = found
  if (nameOf(node) !== 'handlers' || !isUse(found)) return undefined
  const parent = above.at(-1)
  if (parent?.type === 'VariableDeclarator' && fieldOf(parent, 'id') === node) {
    return above.some(({ type }) => type.startsWith('Export')) ? 'exports the handlers' : undefined
  }
  const called = above.at(-2)?.type === 'CallExpression' && fieldOf(above.at(-2), 'callee') === parent
  const verb = parent?.['computed'] === true ? undefined : memberOf(parent)
  if (!called || verb === undefined || !['get', 'set', 'has'].includes(verb)) return 'passes the handlers on'
  return verb === 'get' && functionOf(above) !== 'run' ? 'opens a handler outside of run' : undefined
}

/** Writes to the recorder, however it is written. */
function records({ node, above }: Found): boolean {
  const parent = above.at(-1)
  if (memberOf(node) === 'record' && /recorder$/i.test(nameOf(fieldOf(node, 'object')) ?? '')) return true
  if (node.type !== 'Property' || parent?.type !== 'ObjectPattern') return false
  const from = above.at(-2)
  return nameOf(fieldOf(node, 'key')) === 'record' && /recorder$/i.test(nameOf(fieldOf(from, 'init')) ?? '')
}

function inFinally({ node, above }: Found): boolean {
  const path = [...above, node]
  return (
    functionOf(above) === 'run' &&
    path.some((one, i) => one.type === 'TryStatement' && fieldOf(one, 'finalizer') === path[i + 1])
  )
}

const WORDS = new Set<string>(STATES)
const isShouted = (word: string | undefined): word is string => word !== undefined && /^[A-Z][A-Z_]+$/.test(word)

/** What it says, on either branch. */
function wordsOf(node: Node | undefined): (string | undefined)[] {
  if (node?.type !== 'ConditionalExpression') return [wordOf(node)]
  return [...wordsOf(fieldOf(node, 'consequent')), ...wordsOf(fieldOf(node, 'alternate'))]
}

/** A word that is taken for a state and is none. */
function aboutState({ node }: Found): string | undefined {
  const words: (string | undefined)[] = []
  if (
    node.type === 'CallExpression' &&
    (memberOf(fieldOf(node, 'callee')) ?? nameOf(fieldOf(node, 'callee'))) === 'move'
  ) {
    words.push(...wordsOf(listOf(node, 'arguments')[0]))
  }
  if (node.type === 'Property' && nameOf(fieldOf(node, 'key')) === 'state')
    words.push(...wordsOf(fieldOf(node, 'value')))
  if (node.type === 'BinaryExpression' && /^[!=]==?$/.test(String(node['operator']))) {
    const sides = [fieldOf(node, 'left'), fieldOf(node, 'right')]
    const isState = (side: Node | undefined) => memberOf(side) === 'state' || nameOf(side) === 'state'
    if (sides.some(isState)) words.push(...sides.map(wordOf))
  }
  const foreign = words.filter(isShouted).find((word) => !WORDS.has(word))
  return foreign === undefined ? undefined : `takes ${foreign} for a state`
}

function aboutSql(sources: Sources): string[] {
  return sources.paths(/^server\/src\/domains\/tool\/.*\.sql$/).flatMap((path) => {
    const text = sources.text(path)
    const lists = text.matchAll(/(?:state in \(|array_position\(array\[)([^)\]]*)[)\]]/g)
    return Array.from(lists, ([, list = '']) => Array.from(list.matchAll(/'(\w+)'/g), ([, word = '']) => word)).flatMap(
      (words) =>
        words.toSorted().join() === [...STATES].toSorted().join()
          ? []
          : [`${path} knows the states ${words.join(', ')}`],
    )
  })
}

const DOOR = 'server/src/http/door.ts'
/** A monitor asks it for a status, not for a problem. */
const HEALTH = 'server/src/http/routes/health.ts'
/** The contract names the media type. */
const CONTRACT = 'server/src/http/openapi.ts'

function aboutErrors({ node }: Found, path: string): string | undefined {
  if (path === DOOR || path === CONTRACT) return undefined
  if (memberOf(node) === 'setErrorHandler') return 'maps errors beside the door'
  if (wordOf(node) === 'application/problem+json' && node.type === 'Literal') return 'writes a problem beside the door'
  if (path === HEALTH || node.type !== 'CallExpression') return undefined
  if (!['code', 'status'].includes(memberOf(fieldOf(node, 'callee')) ?? '')) return undefined
  const [given] = listOf(node, 'arguments')
  const numbers = [given, fieldOf(given, 'consequent'), fieldOf(given, 'alternate')]
  const errs = numbers.some((one) => one?.type === 'Literal' && Number(one['value']) >= 400)
  return errs ? 'answers an error beside the door' : undefined
}

function aboutConsole(found: Found): string | undefined {
  const { node } = found
  if (nameOf(node) === 'console' && isUse(found)) return 'writes to the console'
  return memberOf(node) === 'console' ? 'writes to the console' : undefined
}

const added = (line: string) => (now: string) => `${now}\n${line}\n`
const OWN = 'server/src/tools/own/text-statistics.ts'
const ROUTE = 'server/src/http/routes/tools.ts'

export const TOOL_CHECKS: readonly Proved[] = [
  {
    rule: 'R-TOOL-001',
    look(sources) {
      const runner = nodesOf(RUNNER, sources.text(RUNNER))
      const opens = runner.filter(
        ({ node, above }) =>
          memberOf(node) === 'get' && nameOf(fieldOf(node, 'object')) === 'handlers' && above.length > 0,
      )
      return [
        ...each(sources, SERVER, (found) => aboutDefine(found)),
        ...each(sources, /^server\/src\/tools\/runner\.ts$/, aboutHandlers),
        ...(opens.length === 1 ? [] : [`${RUNNER} opens handlers at ${opens.length} places`]),
      ]
    },
    breaks: [
      {
        how: 'direct',
        path: OWN,
        text: added('export const run = () => ({})\nexport const own = defineTool({ name: "x", run })\nawait run()'),
      },
      {
        how: 'direct, from outside of the runner’s run',
        path: RUNNER,
        text: added('export const open = (tool: Tool) => handlers.get(tool)?.perform({}, {} as ToolHand)'),
      },
      { how: 'aliased', path: OWN, text: added('const make = defineTool\nexport const own = make({ name: "x" })') },
      {
        how: 'aliased at the import',
        path: OWN,
        text: (now) => now.replace('{ defineTool }', '{ defineTool as make }').replace('defineTool({', 'make({'),
      },
      { how: 'aliased map', path: RUNNER, text: added('export const all = handlers') },
      { how: 'destructured', path: RUNNER, text: added('const { get } = handlers\nget.call(handlers, {} as Tool)') },
      {
        how: 'destructured definition',
        path: OWN,
        text: added(
          'const definition = { run: () => ({}) }\nconst { run } = definition\nexport const own = defineTool({ ...definition })\nrun()',
        ),
      },
      { how: 'computed', path: RUNNER, text: added("export const open = (tool: Tool) => handlers['g' + 'et'](tool)") },
      {
        how: 'computed key',
        path: OWN,
        text: added("const key = 'run'\nexport const own = defineTool({ [key]: () => ({}) })"),
      },
      { how: 'exported', path: RUNNER, text: (now) => now.replace('const handlers =', 'export const handlers =') },
    ],
  },
  {
    rule: 'R-TOOL-002',
    look(sources) {
      const counted = nodesOf(RUNNER, sources.text(RUNNER)).filter((found) => records(found) && inFinally(found))
      return [
        ...(counted.length === 1 ? [] : [`${RUNNER} counts at ${counted.length} places in the finally of run`]),
        ...each(sources, SERVER, (found, path) =>
          records(found) && !(path === RUNNER && inFinally(found)) ? 'counts a call' : undefined,
        ),
      ]
    },
    breaks: [
      { how: 'left out', path: RUNNER, text: (now) => now.replace('await recorder.record(', 'void (') },
      {
        how: 'outside of the finally',
        path: RUNNER,
        text: (now) => now.replace('      watch.end()\n', '      watch.end()\n    }\n    {\n'),
      },
      {
        how: 'twice',
        path: RUNNER,
        text: (now) =>
          now.replace('      watch.end()\n', '      watch.end()\n      await recorder.record({} as never)\n'),
      },
      {
        how: 'elsewhere',
        path: ROUTE,
        text: added("const f = (recorder: Map<string, never>) => recorder['rec' + 'ord']()"),
      },
      {
        how: 'destructured',
        path: ROUTE,
        text: added('const f = (recorder: never) => { const { record } = recorder; return record }'),
      },
    ],
  },
  {
    rule: 'R-TOOL-003',
    look: (sources) => [...each(sources, TOOLS, aboutState), ...aboutSql(sources)],
    breaks: [
      {
        how: 'a move',
        path: RUNNER,
        text: (now) =>
          now.replace(
            "life.move(unavailable === undefined ? 'INITIALIZED'",
            "life.move(unavailable === undefined ? 'SUCCESS'",
          ),
      },
      {
        how: 'a comparison',
        path: 'server/src/cli/tools.ts',
        text: added("export const f = (it: { state: string }) => it['state'] === 'ERROR'"),
      },
      { how: 'a field', path: RUNNER, text: added("export const f = { state: 'READY' }") },
      {
        how: 'a word of the database',
        path: 'server/src/domains/tool/migrations/0001_tools.sql',
        text: (now) => now.replace("'RUNNING', ", "'RUNNING', 'SUCCESS', "),
      },
    ],
  },
  {
    rule: 'R-HTTP-001',
    look: (sources) => each(sources, /^server\/src\/(http|access)\/.*(?<!\.test)\.ts$/, aboutErrors),
    breaks: [
      {
        how: 'a status',
        path: ROUTE,
        text: added('export const f = (reply: FastifyReply) => reply.code(500).send({})'),
      },
      {
        how: 'a status by a condition',
        path: ROUTE,
        text: added("export const f = (reply: FastifyReply) => reply['status'](reply.sent ? 200 : 404)"),
      },
      {
        how: 'a handler of errors',
        path: ROUTE,
        text: added('export const f = (door: Door) => door.setErrorHandler(() => {})'),
      },
      {
        how: 'a problem of its own',
        path: ROUTE,
        text: added("export const f = (reply: FastifyReply) => reply.type('application/problem+json')"),
      },
    ],
  },
  {
    rule: 'R-LOG-001',
    look: (sources) => each(sources, SERVER, aboutConsole),
    breaks: [
      { how: 'direct', path: ROUTE, text: added("console.log('here')") },
      { how: 'aliased', path: ROUTE, text: added('const out = console\nout.log(1)') },
      { how: 'destructured', path: ROUTE, text: added('const { log } = console\nlog(1)') },
      { how: 'computed', path: ROUTE, text: added("globalThis['con' + 'sole']['log'](1)") },
    ],
  },
]
