/**
 * `npm run dev`: Millrace, begun anew when its code changes, and the console with
 * hot reload in front of it.  Ctrl-C ends both.
 */
import { spawn } from 'node:child_process'
import { createServer } from 'vite'

const watched = ['engine/src', 'server/src'].map((folder) => `--watch-path=${folder}`)
const server = spawn(
  process.execPath,
  [...watched, '--watch-preserve-output', 'server/bin/millrace.js', 'up', ...process.argv.slice(2)],
  { stdio: 'inherit' },
)
const vite = await createServer({ configFile: 'web/vite.config.ts' })
await vite.listen()
process.stdout.write(`The console with hot reload: ${vite.resolvedUrls?.local[0] ?? ''}\n`)
const stop = () => server.kill('SIGINT')
process.on('SIGINT', stop)
process.on('SIGTERM', stop)
server.on('exit', (code) => void vite.close().then(() => process.exit(code ?? 0)))
