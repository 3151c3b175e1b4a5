/**
 * The process in which a TypeScript or JavaScript tool of a person's folder runs:
 * `node node-host.ts FILE --describe` says what it is, `--warm` answers call by call.
 */
import { realpathSync, writeSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import type { Askable } from '../questions.ts'
import { openRunner, type Tool } from '../runner.ts'
import { lendImports, whyNotLoaded } from './imports.ts'
import { openInner } from './inner.ts'

const [file = '', mode] = process.argv.slice(2)
const path = realpathSync(file)
lendImports(dirname(path))

// The protocol has descriptor 1 for itself: what anything prints lands in the log.
const out = (document: unknown) => {
  const bytes = Buffer.from(`${JSON.stringify(document)}\n`)
  for (let at = 0; at < bytes.length;) {
    try {
      at += writeSync(1, bytes, at)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error
      Atomics.wait(PAUSE, 0, 0, 1)
    }
  }
}
const PAUSE = new Int32Array(new SharedArrayBuffer(4))
const log = process.stderr.write.bind(process.stderr)
process.stdout.write = ((...args: Parameters<typeof log>) => log(...args)) as typeof process.stdout.write
// What a call leaves behind is no reason to end: the next call may go well.
process.on('unhandledRejection', () => {})

async function load(): Promise<Tool> {
  const exported = Object.values((await import(pathToFileURL(path).href)) as Record<string, unknown>)
  const tools = [...new Set(exported)].filter(isTool)
  const [tool] = tools
  if (tool === undefined || tools.length > 1) {
    throw new NotOne(`it exports ${tools.length} tools; export what defineTool gave, one in a file`)
  }
  return tool
}
class NotOne extends Error {}

function isTool(it: unknown): it is Tool {
  try {
    openRunner().add(it as Tool)
    return true
  } catch {
    return false
  }
}

if (mode === '--describe') {
  try {
    out({ success: true, tool: await load() })
  } catch (error) {
    const { name, line, says } = whyNotLoaded(error, basename(path))
    // Our own sentences about the definition are told; others may hold what nobody should read.
    const reason = error instanceof NotOne || isOurs(error) ? error.message : `${name}${says}`
    out({ success: true, problem: { reason, ...(line === undefined ? {} : { line }) } })
  }
  process.exit()
}

/** Thrown by `defineTool` itself. */
function isOurs(error: unknown): error is Error {
  const [, first = ''] = error instanceof Error ? (error.stack ?? '').split('\n    at ') : []
  return /runner\.(ts|js):/.test(first)
}

const call = openInner(await load())
out({ ready: true, protocol: 1, pid: process.pid, node: process.versions.node })
for await (const line of createInterface({ input: process.stdin })) {
  const { id, input, askable } = JSON.parse(line) as { id: string; input: unknown; askable?: Askable }
  const answer = await call(input, askable)
  out({ id, success: answer.ok, ...(answer.ok ? { output: answer.output } : { error: answer.error }) })
}
process.exit()
