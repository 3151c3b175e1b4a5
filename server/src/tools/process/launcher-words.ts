/** What a process and its launcher say to each other about a child, by its number. */
export type ToLauncher =
  | {
      readonly word: 'start'
      readonly id: number
      readonly command: string
      readonly args: readonly string[]
      readonly cwd: string
      /** All of its environment. */
      readonly env: Readonly<Record<string, string>>
    }
  | { readonly word: 'write'; readonly id: number; readonly data: Uint8Array }
  /** Ends its stdin. */
  | { readonly word: 'end'; readonly id: number }
  /** SIGTERM to its group now, SIGKILL after `grace` milliseconds. */
  | { readonly word: 'stop'; readonly id: number; readonly grace: number }

export type FromLauncher =
  | { readonly word: 'begun'; readonly id: number; readonly pid: number }
  | { readonly word: 'out' | 'err'; readonly id: number; readonly data: Uint8Array }
  /** Its end, after all that it said; 127 when it could not be started. */
  | { readonly word: 'gone'; readonly id: number; readonly code: number | null; readonly signal: string | null }
