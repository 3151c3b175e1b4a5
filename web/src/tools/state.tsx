/** The state of a tool, in a word and a colour. */
import type { Tool } from '../api.ts'
import { Badge } from '../ui/index.ts'
import { words } from '../words/tools.ts'

const TONES = { LOADED: 'plain', INITIALIZED: 'good', RUNNING: 'busy', FAILED: 'bad', UNAVAILABLE: 'warn' } as const

export function ToolState({ state }: { state: Tool['state'] }) {
  return <Badge tone={TONES[state]}>{words.states[state]}</Badge>
}
