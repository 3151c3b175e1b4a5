/** What the programs beside the product say of themselves, and to whoever calls them wrongly. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

function run(program: string, ...args: readonly string[]): Promise<{ code: unknown; out: string; err: string }> {
  const path = fileURLToPath(new URL(`../../${program}`, import.meta.url))
  return new Promise((resolve) =>
    // One that understands what it should not would go on for minutes.
    execFile(process.execPath, [path, ...args], { timeout: 25_000 }, (error, out, err) =>
      resolve({ code: error === null ? 0 : error.code, out, err }),
    ),
  )
}

test.each(['engine/model/model.ts', 'engine/chaos/storm.ts', 'server/testing/chaos.ts'])(
  '%s says how it is called, and in one line what it does not understand',
  async (program) => {
    const [help, unknown, number] = await Promise.all([
      run(program, '--help'),
      run(program, '--never-heard-of'),
      run(program, '--seed', 'many'),
    ])
    expect(help).toMatchObject({ code: 0, err: '' })
    expect(help.out).toContain('Ends with 0')
    expect(unknown).toMatchObject({ code: 2, out: '' })
    expect(unknown.err).toMatch(/^Unknown option '--never-heard-of'\.\n\n[^]*Ends with 0/)
    expect(number).toMatchObject({ code: 2, out: '' })
    expect(number.err).toMatch(/^--seed takes a whole number, 0 or more\.\n\n/)
    expect(unknown.err + number.err).not.toMatch(/^ +at /m)
  },
)
