/** The files of the repository, as git has them and would have them. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

/** Paths below the root, tracked or new, without what is ignored. */
export function files(pattern: RegExp): string[] {
  return execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: root,
    encoding: 'utf8',
  })
    .split('\n')
    .filter((path) => pattern.test(path) && existsSync(root + path))
    .toSorted()
}

export function textOf(path: string): string {
  return readFileSync(root + path, 'utf8')
}
