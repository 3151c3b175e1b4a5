/**
 * The launcher: a small program that starts child processes, each the leader of a
 * group of its own, and passes on what they say.  Starting one from a process that
 * has grown large would block that process; from here it costs it nothing.  When its
 * parent is gone, so are all groups, whatever is left in them.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import type { FromLauncher, ToLauncher } from './launcher-words.ts'

const children = new Map<number, ChildProcessWithoutNullStreams>()
/** Milliseconds after its end in which a child's pipes may still bring something. */
const LAST_WORDS = 1_000

function tell(word: FromLauncher) {
  if (!process.connected) return
  // Who reads slowly is not written to faster: the children wait.
  const room = process.send?.(word, undefined, undefined, () => each((child) => resumeBoth(child)))
  if (room === false) each((child) => (child.stdout.pause(), child.stderr.pause()))
}

function each(what: (child: ChildProcessWithoutNullStreams) => void) {
  for (const child of children.values()) what(child)
}

function resumeBoth(child: ChildProcessWithoutNullStreams) {
  if (child.stdout.isPaused()) child.stdout.resume()
  if (child.stderr.isPaused()) child.stderr.resume()
}

function start({ id, command, args, cwd, env }: Extract<ToLauncher, { word: 'start' }>) {
  const child = spawn(command, args, { cwd, env, detached: true, stdio: 'pipe' })
  children.set(id, child)
  let told = false
  const gone = (code: number | null, signal: string | null) => {
    if (told) return
    told = true
    children.delete(id)
    tell({ word: 'gone', id, code, signal })
  }
  // A child that dies before it has read is told by its end, not by the broken pipe.
  child.stdin.on('error', () => {})
  child.stdout.on('data', (data: Uint8Array) => tell({ word: 'out', id, data }))
  child.stderr.on('data', (data: Uint8Array) => tell({ word: 'err', id, data }))
  child.on('error', () => gone(127, null))
  child.on('exit', (code, signal) => {
    // Nobody asks for what its descendants do now, and they would hold its pipes.
    killGroup(child, 'SIGKILL')
    setTimeout(gone, LAST_WORDS, code, signal)
  })
  child.on('close', gone)
  if (child.pid !== undefined) tell({ word: 'begun', id, pid: child.pid })
}

function killGroup(child: ChildProcessWithoutNullStreams, signal: NodeJS.Signals) {
  if (child.pid === undefined) return
  try {
    process.kill(-child.pid, signal)
  } catch {
    // The group is empty.
  }
}

function stop(id: number, grace: number) {
  const child = children.get(id)
  if (child === undefined) return
  killGroup(child, 'SIGTERM')
  setTimeout(() => {
    if (children.get(id) === child) killGroup(child, 'SIGKILL')
  }, grace)
}

function leave() {
  each((child) => killGroup(child, 'SIGKILL'))
  process.exit()
}

process.on('disconnect', leave)
process.on('SIGTERM', leave)
process.on('message', (word: ToLauncher) => {
  if (word.word === 'start') return start(word)
  if (word.word === 'stop') return stop(word.id, word.grace)
  const child = children.get(word.id)
  if (word.word === 'write') child?.stdin.write(word.data)
  else child?.stdin.end()
})
