/**
 * Threads for tools of this repository that compute: a call that goes on for ever is
 * ended with its thread, and this program goes on meanwhile.  A thread shares our
 * memory, so what comes from outside runs in a process instead.
 */
import { Worker } from 'node:worker_threads'
import { failed } from '../envelope.ts'
import { fromInner } from '../host/inner.ts'
import type { ToolHand } from '../runner.ts'
import type { Answered, Asked } from './words.ts'

export interface Threads {
  /** @throws what the tool says failed, TOOL_CRASHED */
  call(file: URL, input: unknown, hand: ToolHand): Promise<unknown>
  close(): Promise<void>
}

/** MiB of heap. */
const HEAP = 512
/** Milliseconds after which a thread that nobody asks is ended. */
const IDLE = 30_000

export function openThreads(most: number): Threads {
  const free: { thread: Worker; leaving: NodeJS.Timeout }[] = []
  const alive = new Set<Worker>()
  const waiting = new Set<() => void>()

  function begin(): Worker {
    // Beside the source it is the source; in the package both are JavaScript.
    const file = import.meta.url.endsWith('.ts') ? './thread-main.ts' : './thread-main.js'
    const thread = new Worker(new URL(file, import.meta.url), {
      resourceLimits: { maxOldGenerationSizeMb: HEAP },
      env: {},
      stdout: true,
      stderr: true,
    })
    thread.unref()
    alive.add(thread)
    thread.on('error', () => {})
    thread.on('exit', () => {
      alive.delete(thread)
      ring()
    })
    return thread
  }

  function ring() {
    const [next] = waiting
    if (next === undefined) return
    waiting.delete(next)
    next()
  }

  async function take(signal: AbortSignal): Promise<Worker> {
    for (;;) {
      if (signal.aborted) throw failed('CANCELLED')
      const known = free.pop()
      if (known !== undefined) {
        clearTimeout(known.leaving)
        if (alive.has(known.thread)) return known.thread
        continue
      }
      if (alive.size < most) return begin()
      await new Promise<void>((resolve) => {
        waiting.add(resolve)
        signal.addEventListener('abort', () => (waiting.delete(resolve), resolve()), { once: true })
      })
    }
  }

  function giveBack(thread: Worker) {
    const leaving = setTimeout(() => void thread.terminate(), IDLE).unref()
    free.push({ thread, leaving })
    ring()
  }

  return {
    async call(file, input, { signal }) {
      const thread = await take(signal)
      const { promise, resolve, reject } = Promise.withResolvers<Answered>()
      const died = (error?: unknown) => reject(failed('TOOL_CRASHED', {}, error))
      const left = () => {
        void thread.terminate()
        reject(failed('CANCELLED'))
      }
      thread.once('message', resolve).once('error', died).once('exit', died)
      signal.addEventListener('abort', left, { once: true })
      try {
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
        thread.postMessage({ file: file.href, input } satisfies Asked)
        const answer = await promise
        giveBack(thread)
        if (!answer.ok) throw fromInner(answer.error)
        return answer.output
      } finally {
        signal.removeEventListener('abort', left)
        thread.off('message', resolve).off('error', died).off('exit', died)
      }
    },
    async close() {
      await Promise.all([...alive].map((thread) => thread.terminate()))
    },
  }
}
