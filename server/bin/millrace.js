#!/usr/bin/env node
// Plain JavaScript that an old Node can read, so that it can say what is wrong.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import * as nodeModule from 'node:module'
import process from 'node:process'
import { fileURLToPath } from 'node:url'

const OLDEST = 24
if (Number.parseInt(process.versions.node, 10) >= OLDEST) {
  nodeModule.enableCompileCache?.()
  const { main } = await import('../src/cli.ts')
  process.exitCode = await main(process.argv.slice(2))
} else {
  // A clone has Node 24 from its lock file; `npx` and a shell may still have found an older one first.
  const brought = ['../../node_modules/.bin/node', '../../../.bin/node']
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(path))
  if (brought === undefined || process.env['MILLRACE_BROUGHT_NODE'] === brought) {
    process.stderr.write(
      `Millrace needs Node ${OLDEST} or newer; this is Node ${process.versions.node}.\n` +
        'In a clone on Linux `npm ci` brings it. Elsewhere install it from nodejs.org or your package manager.\n',
    )
    process.exitCode = 2
  } else {
    const child = spawn(brought, process.argv.slice(1), {
      stdio: 'inherit',
      env: { ...process.env, MILLRACE_BROUGHT_NODE: brought },
    })
    // Ctrl-C reaches both from the terminal; what is sent to this process alone is passed on.
    process.on('SIGINT', () => {})
    for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
    child.on('exit', (code) => (process.exitCode = code ?? 1))
  }
}
