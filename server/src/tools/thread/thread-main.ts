/** A thread of this program in which tools of this repository run, one call at a time. */
import { parentPort } from 'node:worker_threads'
import { openInner } from '../host/inner.ts'
import type { Tool } from '../runner.ts'
import type { Answered, Asked } from './words.ts'

const known = new Map<string, ReturnType<typeof openInner>>()

async function innerOf(file: string) {
  const there = known.get(file)
  if (there !== undefined) return there
  const { default: tool } = (await import(file)) as { default: Tool }
  const inner = openInner(tool)
  known.set(file, inner)
  return inner
}

async function answer({ file, input }: Asked): Promise<void> {
  const call = await innerOf(file)
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
  parentPort?.postMessage((await call(input)) satisfies Answered)
}

parentPort?.on('message', (asked: Asked) => void answer(asked))
