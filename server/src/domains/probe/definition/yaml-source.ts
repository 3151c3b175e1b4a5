/**
 * YAML as something a person wrote: its value, and for every path in the value
 * the line and column where it stands.  Hostile files are refused here, before
 * anything expensive is done with them.
 */

import { Composer, isAlias, isMap, isNode, isScalar, isSeq, Lexer, LineCounter, Parser, visit } from 'yaml'
import type { Document, Node, Pair, ParsedNode, YAMLError } from 'yaml'

export type Path = readonly (string | number)[]

export interface Position {
  /** Both from 1; a column counts UTF-16 units. */
  readonly line: number
  readonly column: number
}

export interface SourceProblem {
  readonly position: Position
  readonly message: string
}

/** A readable source: its value and where things stand. */
export interface YamlSource {
  /** Plain data; undefined when `problems` say that there is none. */
  readonly value: unknown
  readonly problems: readonly SourceProblem[]
  /** The value of `path`, or the nearest thing around it that exists. */
  positionOf(path: Path): Position
  /** The key `key` of the map at `path`. */
  positionOfKey(path: Path, key: string): Position
  /** The n-th (from 0) occurrence of `text` inside the scalar at `path`. */
  positionInside(path: Path, text: string, nth: number): Position
}

/** A definition nests five deep; these leave room and keep the parser's time and stack small. */
export const sourceLimits = { bytes: 1024 * 1024, lines: 100_000, tokens: 100_000, depth: 32, aliases: 100 } as const

/** Reads one YAML document.  `text` is within `sourceLimits.bytes`; the caller has looked. */
export function openYaml(text: string): YamlSource {
  const lines = new LineCounter()
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(Math.min(offset, text.length))
    return { line: Math.max(1, line), column: Math.max(1, col) }
  }
  const failed = (position: Position, message: string): YamlSource => {
    const where = (): Position => position
    return {
      value: undefined,
      problems: [{ position, message }],
      positionOf: where,
      positionOfKey: where,
      positionInside: where,
    }
  }

  for (let end = text.indexOf('\n'), count = 0; end !== -1; end = text.indexOf('\n', end + 1)) {
    if (++count < sourceLimits.lines) continue
    return failed(
      { line: count + 1, column: 1 },
      `has more than ${sourceLimits.lines} lines; a definition is far shorter`,
    )
  }
  const parsed = parseWithin(text, lines)
  if ('stop' in parsed) return failed(at(parsed.offset), parsed.stop)
  const { document } = parsed
  if (document === undefined || document.contents === null) {
    return failed(at(0), 'is empty; a definition needs at least a name and a template')
  }

  const problems: SourceProblem[] = []
  for (const error of [...document.errors, ...document.warnings].slice(0, 20)) {
    problems.push({ position: at(error.pos[0]), message: syntaxMessage(error) })
  }
  if (problems.length === 0) problems.push(...wrongKeys(document, at))
  let value: unknown
  if (document.errors.length === 0 && !problems.some(({ message }) => message === notAWord)) {
    try {
      value = document.toJS({ maxAliasCount: sourceLimits.aliases })
    } catch (error) {
      if (!(error instanceof ReferenceError)) throw error
      return failed(at(firstAlias(document)), 'repeats itself through too many aliases (*name); write the text out')
    }
  }

  const nodeAt = (path: Path): Node | undefined => {
    let node: Node | null | undefined = document.contents
    let reached: Node | undefined = node ?? undefined
    for (const step of path) {
      if (isAlias(node)) node = node.resolve(document)
      if (isMap(node)) node = pairOf(node.items as Pair<ParsedNode, ParsedNode | null>[], String(step))?.value
      else if (isSeq(node)) node = node.items[Number(step)] as ParsedNode | undefined
      else node = undefined
      if (node === undefined || node === null) break
      reached = node
    }
    return reached
  }
  const start = (node: Node | undefined): number => node?.range?.[0] ?? 0
  return {
    value,
    problems,
    positionOf: (path) => at(start(nodeAt(path))),
    positionOfKey(path, key) {
      const node = nodeAt(path)
      const map = isAlias(node) ? node.resolve(document) : node
      const pair = isMap(map) ? pairOf(map.items as Pair<ParsedNode, ParsedNode | null>[], key) : undefined
      return at(start(pair?.key ?? node))
    },
    positionInside(path, inside, nth) {
      const node = nodeAt(path)
      const [from, to] = [start(node), node?.range?.[1] ?? 0]
      let offset = text.indexOf(inside, from)
      for (let seen = 0; seen < nth && offset !== -1; seen++) offset = text.indexOf(inside, offset + inside.length)
      return at(offset === -1 || offset >= to ? from : offset)
    },
  }
}

const notAWord = 'has a key that is not a word; write key: value'

/** Parses token by token, so that a hostile text is left before it has cost anything. */
function parseWithin(
  text: string,
  lines: LineCounter,
): { document: Document.Parsed | undefined } | { stop: string; offset: number } {
  const parser = new Parser(lines.addNewLine)
  const composer = new Composer({ uniqueKeys: false, prettyErrors: false, lineCounter: lines, logLevel: 'error' })
  const documents: Document.Parsed[] = []
  let tokens = 0
  let offset = 0
  lines.addNewLine(0)
  const compose = function* (): Generator<Document.Parsed> {
    for (const lexeme of new Lexer().lex(text)) {
      for (const token of parser.next(lexeme)) yield* composer.next(token)
      offset = parser.offset
      if (++tokens > sourceLimits.tokens)
        throw new TooMuch(`has more than ${sourceLimits.tokens} parts; a definition is far smaller`)
      if (parser.stack.length > sourceLimits.depth * 2) throw new TooMuch('is nested too deeply; a definition is flat')
    }
    for (const token of parser.end()) yield* composer.next(token)
    yield* composer.end(false, text.length)
  }
  try {
    for (const document of compose()) {
      if (documents.push(document) > 1) {
        const second = text.indexOf('\n---', (documents[0]?.range[1] ?? 1) - 1)
        return { stop: 'holds several documents; keep one in a file', offset: second === -1 ? offset : second + 1 }
      }
    }
  } catch (error) {
    if (error instanceof TooMuch) return { stop: error.message, offset }
    throw error
  }
  return { document: documents[0] }
}

class TooMuch extends Error {}

function pairOf(
  items: readonly Pair<ParsedNode, ParsedNode | null>[],
  key: string,
): Pair<ParsedNode, ParsedNode | null> | undefined {
  return items.find((pair) => isScalar(pair.key) && String(pair.key.value) === key)
}

// The library's own check compares every pair with every other; a file of
// 100,000 keys would keep it busy for minutes.
function wrongKeys(document: Document.Parsed, at: (offset: number) => Position): SourceProblem[] {
  const problems: SourceProblem[] = []
  visit(document, {
    Map(_, map) {
      const seen = new Set<string>()
      for (const { key } of map.items) {
        if (problems.length >= 20) return visit.BREAK
        const position = at((isNode(key) ? key.range?.[0] : undefined) ?? 0)
        if (!isScalar(key)) {
          problems.push({ position, message: notAWord })
          continue
        }
        const name = String(key.value)
        if (seen.has(name)) problems.push({ position, message: `gives the key "${name.slice(0, 60)}" twice; keep one` })
        seen.add(name)
      }
      return undefined
    },
  })
  return problems
}

function firstAlias(document: Document.Parsed): number {
  let offset: number | undefined
  visit(document, {
    Alias(_, alias) {
      offset = alias.range?.[0]
      return visit.BREAK
    },
  })
  return offset ?? 0
}

function syntaxMessage(error: YAMLError): string {
  switch (error.code) {
    case 'TAB_AS_INDENT':
      return 'has a tab in the indentation; YAML is indented with spaces'
    case 'TAG_RESOLVE_FAILED':
      return 'has a tag (!name) that means nothing here; remove it'
    default:
      return `is not readable YAML: ${(error.message.split('\n')[0] ?? '').slice(0, 200)}`
  }
}
